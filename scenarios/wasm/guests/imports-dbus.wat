;; It imports a host module of a service type that its manifest does not name.
(module
  (import "pantavisor_dbus" "close" (func (param i32) (result i32)))
  (memory (export "memory") 1)
  (func (export "_start") (loop $again (br $again))))
