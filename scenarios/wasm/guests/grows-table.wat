;; Its table grows until the engine refuses; then it ends well.
(module
  (memory (export "memory") 1)
  (table $all 1 funcref)
  (func (export "_start")
    (loop $again
      (br_if $again (i32.ne (table.grow $all (ref.null func) (i32.const 1000)) (i32.const -1))))))
