"""The runtimes of models: nothing else imports one."""
