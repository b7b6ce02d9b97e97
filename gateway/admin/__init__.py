"""The ops' listener: health, metrics, and the levers of section 5 of the public interface."""
