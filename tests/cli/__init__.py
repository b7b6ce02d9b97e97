"""What people type: commands, texts, exit codes."""
