"""The charts of the pages: pictures, small drawings in tables, and charts one can zoom into."""
