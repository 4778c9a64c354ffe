"""What `speakerd calibrate` does: hear recordings as the daemon hears them, and fit what scores are worth."""
