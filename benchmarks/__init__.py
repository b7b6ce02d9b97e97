"""What the gateway costs, against bare limits and peers, measured side by side in one run.

Must not be imported by the gateway. Starts it by its command, like any user.
"""
