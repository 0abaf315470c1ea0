"""What admins ask after the install, asked in a real mesh: audit, doctor, and what they mend."""
