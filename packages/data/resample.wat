;; The two passes of resample.ts over RGB pixels of 8 bits, with SIMD.
;;
;; Sums are exact in 32 bits: a weight has 22 fractional bits, and the weights of one output add up to 1.
;; Reads go up to 16 bytes past the last pixel, writes one byte past the last of each row: the caller leaves room.
;;
;; "spans" holds for each output two i32: byte offset of the first input, and how many inputs there are.
;; "weights" holds for each output $taps i32, of which the first "how many" count.
(module
  (memory (export "memory") 1)

  ;; One output pixel from a run of neighbouring pixels of its row: four rows at a time, which share the weights, then the rest.
  (func (export "horizontal")
    (param $source i32) (param $sourceStride i32)
    (param $target i32) (param $targetStride i32)
    (param $rows i32) (param $width i32)
    (param $spans i32) (param $weights i32) (param $taps i32)
    (block $few
      (loop $four
        (br_if $few (i32.lt_s (local.get $rows) (i32.const 4)))
        (call $fourRows (local.get $source) (local.get $sourceStride) (local.get $target) (local.get $targetStride)
          (local.get $width) (local.get $spans) (local.get $weights) (local.get $taps))
        (local.set $source (i32.add (local.get $source) (i32.shl (local.get $sourceStride) (i32.const 2))))
        (local.set $target (i32.add (local.get $target) (i32.shl (local.get $targetStride) (i32.const 2))))
        (local.set $rows (i32.sub (local.get $rows) (i32.const 4)))
        (br $four)))
    (block $none
      (loop $one
        (br_if $none (i32.eqz (local.get $rows)))
        (call $oneRow (local.get $source) (local.get $target)
          (local.get $width) (local.get $spans) (local.get $weights) (local.get $taps))
        (local.set $source (i32.add (local.get $source) (local.get $sourceStride)))
        (local.set $target (i32.add (local.get $target) (local.get $targetStride)))
        (local.set $rows (i32.sub (local.get $rows) (i32.const 1)))
        (br $one))))

  (func $fourRows
    (param $source i32) (param $sourceStride i32) (param $target i32) (param $targetStride i32)
    (param $x i32) (param $span i32) (param $row i32) (param $taps i32)
    (local $second i32) (local $third i32) (local $fourth i32)
    (local $pixel i32) (local $weight i32) (local $left i32) (local $factor v128)
    (local $a v128) (local $b v128) (local $c v128) (local $d v128)
    (local.set $second (i32.add (local.get $target) (local.get $targetStride)))
    (local.set $third (i32.add (local.get $second) (local.get $targetStride)))
    (local.set $fourth (i32.add (local.get $third) (local.get $targetStride)))
    (local.set $taps (i32.shl (local.get $taps) (i32.const 2)))
    (loop $eachPixel
      (local.set $pixel (i32.add (local.get $source) (i32.load (local.get $span))))
      (local.set $left (i32.load offset=4 (local.get $span)))
      (local.set $weight (local.get $row))
      ;; One half, so that the shift below rounds.
      (local.set $a (i32x4.splat (i32.const 0x200000)))
      (local.set $b (local.get $a))
      (local.set $c (local.get $a))
      (local.set $d (local.get $a))
      (loop $eachInput
        (local.set $factor (v128.load32_splat (local.get $weight)))
        (local.set $a (i32x4.add (local.get $a) (i32x4.mul (local.get $factor)
          (i32x4.extend_low_i16x8_u (v128.load8x8_u (local.get $pixel))))))
        (local.set $b (i32x4.add (local.get $b) (i32x4.mul (local.get $factor)
          (i32x4.extend_low_i16x8_u (v128.load8x8_u (i32.add (local.get $pixel) (local.get $sourceStride)))))))
        (local.set $c (i32x4.add (local.get $c) (i32x4.mul (local.get $factor)
          (i32x4.extend_low_i16x8_u (v128.load8x8_u
            (i32.add (local.get $pixel) (i32.shl (local.get $sourceStride) (i32.const 1))))))))
        (local.set $d (i32x4.add (local.get $d) (i32x4.mul (local.get $factor)
          (i32x4.extend_low_i16x8_u (v128.load8x8_u
            (i32.add (local.get $pixel) (i32.mul (local.get $sourceStride) (i32.const 3))))))))
        (local.set $pixel (i32.add (local.get $pixel) (i32.const 3)))
        (local.set $weight (i32.add (local.get $weight) (i32.const 4)))
        (local.set $left (i32.sub (local.get $left) (i32.const 1)))
        (br_if $eachInput (local.get $left)))
      (local.set $a (i8x16.narrow_i16x8_u
        (i16x8.narrow_i32x4_s (i32x4.shr_s (local.get $a) (i32.const 22)) (i32x4.shr_s (local.get $b) (i32.const 22)))
        (i16x8.narrow_i32x4_s (i32x4.shr_s (local.get $c) (i32.const 22)) (i32x4.shr_s (local.get $d) (i32.const 22)))))
      (v128.store32_lane 0 (local.get $target) (local.get $a))
      (v128.store32_lane 1 (local.get $second) (local.get $a))
      (v128.store32_lane 2 (local.get $third) (local.get $a))
      (v128.store32_lane 3 (local.get $fourth) (local.get $a))
      (local.set $target (i32.add (local.get $target) (i32.const 3)))
      (local.set $second (i32.add (local.get $second) (i32.const 3)))
      (local.set $third (i32.add (local.get $third) (i32.const 3)))
      (local.set $fourth (i32.add (local.get $fourth) (i32.const 3)))
      (local.set $span (i32.add (local.get $span) (i32.const 8)))
      (local.set $row (i32.add (local.get $row) (local.get $taps)))
      (local.set $x (i32.sub (local.get $x) (i32.const 1)))
      (br_if $eachPixel (local.get $x))))

  (func $oneRow
    (param $source i32) (param $target i32)
    (param $x i32) (param $span i32) (param $row i32) (param $taps i32)
    (local $pixel i32) (local $weight i32) (local $left i32) (local $sum v128)
    (loop $eachPixel
      (local.set $pixel (i32.add (local.get $source) (i32.load (local.get $span))))
      (local.set $left (i32.load offset=4 (local.get $span)))
      (local.set $weight (local.get $row))
      (local.set $sum (i32x4.splat (i32.const 0x200000)))
      (loop $eachInput
        (local.set $sum (i32x4.add (local.get $sum) (i32x4.mul
          (v128.load32_splat (local.get $weight))
          (i32x4.extend_low_i16x8_u (v128.load8x8_u (local.get $pixel))))))
        (local.set $pixel (i32.add (local.get $pixel) (i32.const 3)))
        (local.set $weight (i32.add (local.get $weight) (i32.const 4)))
        (local.set $left (i32.sub (local.get $left) (i32.const 1)))
        (br_if $eachInput (local.get $left)))
      (local.set $sum (i32x4.shr_s (local.get $sum) (i32.const 22)))
      (local.set $sum (i16x8.narrow_i32x4_s (local.get $sum) (local.get $sum)))
      (v128.store32_lane 0 (local.get $target) (i8x16.narrow_i16x8_u (local.get $sum) (local.get $sum)))
      (local.set $target (i32.add (local.get $target) (i32.const 3)))
      (local.set $span (i32.add (local.get $span) (i32.const 8)))
      (local.set $row (i32.add (local.get $row) (i32.shl (local.get $taps) (i32.const 2))))
      (local.set $x (i32.sub (local.get $x) (i32.const 1)))
      (br_if $eachPixel (local.get $x))))

  ;; One output row from a run of neighbouring rows; 16 bytes at a time, so $targetStride is a multiple of 16.
  (func (export "vertical")
    (param $source i32) (param $sourceStride i32) (param $target i32) (param $targetStride i32) (param $rows i32)
    (param $spans i32) (param $weights i32) (param $taps i32)
    (local $at i32) (local $first i32) (local $weight i32) (local $left i32) (local $in i32)
    (local $a v128) (local $b v128) (local $c v128) (local $d v128)
    (local $bytes v128) (local $low v128) (local $high v128) (local $factor v128)
    (loop $eachRow
      (local.set $first (i32.add (local.get $source) (i32.load (local.get $spans))))
      (local.set $at (i32.const 0))
      (loop $eachBlock
        (local.set $in (i32.add (local.get $first) (local.get $at)))
        (local.set $weight (local.get $weights))
        (local.set $left (i32.load offset=4 (local.get $spans)))
        (local.set $a (v128.const i32x4 0x200000 0x200000 0x200000 0x200000))
        (local.set $b (local.get $a))
        (local.set $c (local.get $a))
        (local.set $d (local.get $a))
        (loop $eachInput
          (local.set $bytes (v128.load (local.get $in)))
          (local.set $factor (v128.load32_splat (local.get $weight)))
          (local.set $low (i16x8.extend_low_i8x16_u (local.get $bytes)))
          (local.set $high (i16x8.extend_high_i8x16_u (local.get $bytes)))
          (local.set $a (i32x4.add (local.get $a) (i32x4.mul (local.get $factor) (i32x4.extend_low_i16x8_u (local.get $low)))))
          (local.set $b (i32x4.add (local.get $b) (i32x4.mul (local.get $factor) (i32x4.extend_high_i16x8_u (local.get $low)))))
          (local.set $c (i32x4.add (local.get $c) (i32x4.mul (local.get $factor) (i32x4.extend_low_i16x8_u (local.get $high)))))
          (local.set $d (i32x4.add (local.get $d) (i32x4.mul (local.get $factor) (i32x4.extend_high_i16x8_u (local.get $high)))))
          (local.set $in (i32.add (local.get $in) (local.get $sourceStride)))
          (local.set $weight (i32.add (local.get $weight) (i32.const 4)))
          (local.set $left (i32.sub (local.get $left) (i32.const 1)))
          (br_if $eachInput (local.get $left)))
        (v128.store (i32.add (local.get $target) (local.get $at)) (i8x16.narrow_i16x8_u
          (i16x8.narrow_i32x4_s (i32x4.shr_s (local.get $a) (i32.const 22)) (i32x4.shr_s (local.get $b) (i32.const 22)))
          (i16x8.narrow_i32x4_s (i32x4.shr_s (local.get $c) (i32.const 22)) (i32x4.shr_s (local.get $d) (i32.const 22)))))
        (local.set $at (i32.add (local.get $at) (i32.const 16)))
        (br_if $eachBlock (i32.lt_s (local.get $at) (local.get $targetStride))))
      (local.set $target (i32.add (local.get $target) (local.get $targetStride)))
      (local.set $spans (i32.add (local.get $spans) (i32.const 8)))
      (local.set $weights (i32.add (local.get $weights) (i32.shl (local.get $taps) (i32.const 2))))
      (local.set $rows (i32.sub (local.get $rows) (i32.const 1)))
      (br_if $eachRow (local.get $rows)))))
