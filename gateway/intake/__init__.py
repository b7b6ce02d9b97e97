"""The public listener: takes enrollments in, answers stations, relays reads."""
