"""The series of each room: names, help texts, labels, buckets, and which fact moves which."""
