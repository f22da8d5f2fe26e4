"""Every child process is started, watched and ended here, whatever it is asked to do."""
