"""The course: builds its notebooks, checks its tasks, and collects the students' bundles."""
