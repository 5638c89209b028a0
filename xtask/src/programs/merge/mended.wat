;; What stands before calls of a C library that keeps, of each open file, a stream to read and one to write, each with a
;; place of its own, and does not always make them anew when the file's place is another.
;;
;; After a read, a write went to where the last write had ended, and a read after a write likewise: so who reads after
;; writing, writes after reading, or comes from another file, moves the file's place away and back first, which closes
;; both streams. Going to the end kept them too: so the place is moved away first.
;;
;; A file that is opened for appending has no place that could be moved back. What is written there goes to the end.
(module
    (import "library" "lseek" (func $lseek (param i32 i64 i32) (result i64)))
    (import "library" "fcntl" (func $fcntl (param i32 i32 i32) (result i32)))
    (import "library" "read" (func $read (param i32 i32 i32) (result i32)))
    (import "library" "readv" (func $readv (param i32 i32 i32) (result i32)))
    (import "library" "write" (func $write (param i32 i32 i32) (result i32)))
    (import "library" "writev" (func $writev (param i32 i32 i32) (result i32)))

    ;; Which descriptor was used last, and for what: twice its number, one more if it was written.
    (global $last (mut i32) (i32.const -1))

    (func $turn (param $descriptor i32) (param $use i32)
        (local $place i64)
        (local.set $use (i32.or (i32.shl (local.get $descriptor) (i32.const 1)) (local.get $use)))
        (if (i32.eq (local.get $use) (global.get $last)) (then (return)))
        (global.set $last (local.get $use))
        ;; O_APPEND of what F_GETFL gives; all bits of an error are set.
        (if (i32.and (call $fcntl (local.get $descriptor) (i32.const 3) (i32.const 0)) (i32.const 1))
            (then (return)))
        (local.set $place (call $lseek (local.get $descriptor) (i64.const 0) (i32.const 1)))
        (if (i64.lt_s (local.get $place) (i64.const 0)) (then (return)))
        (drop (call $lseek
            (local.get $descriptor) (i64.add (local.get $place) (i64.const 1)) (i32.const 0)))
        (drop (call $lseek (local.get $descriptor) (local.get $place) (i32.const 0))))

    (func (export "read") (param $descriptor i32) (param i32 i32) (result i32)
        (call $turn (local.get $descriptor) (i32.const 0))
        (call $read (local.get $descriptor) (local.get 1) (local.get 2)))

    (func (export "readv") (param $descriptor i32) (param i32 i32) (result i32)
        (call $turn (local.get $descriptor) (i32.const 0))
        (call $readv (local.get $descriptor) (local.get 1) (local.get 2)))

    (func (export "write") (param $descriptor i32) (param i32 i32) (result i32)
        (call $turn (local.get $descriptor) (i32.const 1))
        (call $write (local.get $descriptor) (local.get 1) (local.get 2)))

    (func (export "writev") (param $descriptor i32) (param i32 i32) (result i32)
        (call $turn (local.get $descriptor) (i32.const 1))
        (call $writev (local.get $descriptor) (local.get 1) (local.get 2)))

    (func (export "lseek") (param $descriptor i32) (param $offset i64) (param $whence i32) (result i64)
        (local $before i64)
        (local $after i64)
        ;; SEEK_END
        (if (i32.ne (local.get $whence) (i32.const 2))
            (then (return
                (call $lseek (local.get $descriptor) (local.get $offset) (local.get $whence)))))
        (local.set $before (call $lseek (local.get $descriptor) (i64.const 0) (i32.const 1)))
        (if (i64.lt_s (local.get $before) (i64.const 0)) (then (return (local.get $before))))
        (drop (call $lseek
            (local.get $descriptor) (i64.extend_i32_u (i64.eqz (local.get $before))) (i32.const 0)))
        (local.set $after
            (call $lseek (local.get $descriptor) (local.get $offset) (local.get $whence)))
        (if (i64.lt_s (local.get $after) (i64.const 0))
            (then (drop (call $lseek (local.get $descriptor) (local.get $before) (i32.const 0)))))
        (local.get $after)))
