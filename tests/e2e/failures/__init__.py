"""What users and admins see when the webhook is slow, down, wrongly certified or wrong."""
