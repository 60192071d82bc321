;; A library, not a command.
(module (memory (export "memory") 1))
