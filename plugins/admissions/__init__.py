"""Admissions: containers, applicants, and the student records that are made of them."""
