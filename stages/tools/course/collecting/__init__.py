"""Puts the students' bundles into one table and one page, for the teacher."""
