;; It imports a function with another signature, which JavaScript links.
(module
  (import "pantavisor_http" "close" (func $close (param i64) (result i32)))
  (memory (export "memory") 1)
  (func (export "_start") (drop (call $close (i64.const 1)))))
