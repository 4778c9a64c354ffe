"""Microphones that the daemon listens to by itself.

Each is recorded by a process of its own (`daemon.capture.recorder`), the only code that loads PortAudio: it sees a device that was
plugged in later only after starting anew, which would end every other stream of its process, and it hangs or crashes at times when
one is unplugged.
"""
