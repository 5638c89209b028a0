;; Eight memories of a mebibyte: each is within any limit, together they are not.
(module
  (memory (export "memory") 16) (memory 16) (memory 16) (memory 16)
  (memory 16) (memory 16) (memory 16) (memory 16)
  (func (export "_start")))
