;; It wants 10,000,000 elements.
(module
  (memory (export "memory") 1)
  (table 10000000 funcref)
  (func (export "_start")))
