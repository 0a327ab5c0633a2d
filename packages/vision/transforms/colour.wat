;; Changes of colour on 8-bit RGB pixels in place, four at a time, as Pillow computes them; see colour-adjust.ts.
;;
;; The pixels begin at 0; $end is where they end, rounded up to 48 bytes. Reads go up to 4 bytes further: the caller leaves room.
;; Pillow does some steps in double precision, and others in another order. What is done here in single precision gives the same
;; bytes for every possible colour: a test goes through all of them.
(module
  (memory (export "memory") 1)

  ;; Each value away from or towards $from: from + alpha · (value − from), cut off to 0 … 255.
  (func (export "blend") (param $end i32) (param $from f32) (param $alpha f32)
    (local $at i32) (local $pixels v128) (local $start v128) (local $factor v128) (local $low v128) (local $high v128)
    (local.set $start (f32x4.splat (local.get $from)))
    (local.set $factor (f32x4.splat (local.get $alpha)))
    (loop $each
      (local.set $pixels (v128.load (local.get $at)))
      (local.set $low (i16x8.extend_low_i8x16_u (local.get $pixels)))
      (local.set $high (i16x8.extend_high_i8x16_u (local.get $pixels)))
      (v128.store (local.get $at) (i8x16.narrow_i16x8_u
        (i16x8.narrow_i32x4_s
          (call $mix (local.get $start) (i32x4.extend_low_i16x8_u (local.get $low)) (local.get $factor))
          (call $mix (local.get $start) (i32x4.extend_high_i16x8_u (local.get $low)) (local.get $factor)))
        (i16x8.narrow_i32x4_s
          (call $mix (local.get $start) (i32x4.extend_low_i16x8_u (local.get $high)) (local.get $factor))
          (call $mix (local.get $start) (i32x4.extend_high_i16x8_u (local.get $high)) (local.get $factor)))))
      (local.set $at (i32.add (local.get $at) (i32.const 16)))
      (br_if $each (i32.lt_u (local.get $at) (local.get $end)))))

  ;; from + alpha · (to − from) without its fraction; from is of single precision, to of whole numbers. The relaxed instruction is
  ;; one of the processor's own, and differs from the strict one only where a value does not fit.
  (func $mix (param $from v128) (param $to v128) (param $alpha v128) (result v128)
    (i32x4.relaxed_trunc_f32x4_s (f32x4.add (local.get $from) (f32x4.mul (local.get $alpha)
      (f32x4.sub (f32x4.convert_i32x4_s (local.get $to)) (local.get $from))))))

  ;; The channels of the first four pixels.
  (func $red (param $pixels v128) (result v128)
    (i8x16.shuffle 0 16 16 16 3 16 16 16 6 16 16 16 9 16 16 16 (local.get $pixels) (v128.const i32x4 0 0 0 0)))
  (func $green (param $pixels v128) (result v128)
    (i8x16.shuffle 1 16 16 16 4 16 16 16 7 16 16 16 10 16 16 16 (local.get $pixels) (v128.const i32x4 0 0 0 0)))
  (func $blue (param $pixels v128) (result v128)
    (i8x16.shuffle 2 16 16 16 5 16 16 16 8 16 16 16 11 16 16 16 (local.get $pixels) (v128.const i32x4 0 0 0 0)))

  ;; Writes channels, cut off to 0 … 255, as four pixels.
  (func $put (param $at i32) (param $red v128) (param $green v128) (param $blue v128)
    (local $pixels v128)
    (local.set $pixels (i8x16.narrow_i16x8_u
      (i16x8.narrow_i32x4_s (local.get $red) (local.get $green))
      (i16x8.narrow_i32x4_s (local.get $blue) (local.get $blue))))
    (local.set $pixels
      (i8x16.shuffle 0 4 8 1 5 9 2 6 10 3 7 11 0 0 0 0 (local.get $pixels) (local.get $pixels)))
    (v128.store64_lane 0 (local.get $at) (local.get $pixels))
    (v128.store32_lane offset=8 2 (local.get $at) (local.get $pixels)))

  ;; ITU-R 601 luma of the first four pixels, in 16 bits behind the point, rounded: 19595 · red + 38470 · green + 7471 · blue. Green
  ;; goes in two halves, because a factor has 15 bits.
  (func $luma (param $pixels v128) (result v128)
    (i32x4.shr_u (i32x4.add
      (i32x4.add
        (i32x4.dot_i16x8_s
          (i8x16.shuffle 0 16 1 16 3 16 4 16 6 16 7 16 9 16 10 16 (local.get $pixels) (v128.const i32x4 0 0 0 0))
          (v128.const i16x8 19595 19235 19595 19235 19595 19235 19595 19235))
        (i32x4.dot_i16x8_s
          (i8x16.shuffle 2 16 1 16 5 16 4 16 8 16 7 16 11 16 10 16 (local.get $pixels) (v128.const i32x4 0 0 0 0))
          (v128.const i16x8 7471 19235 7471 19235 7471 19235 7471 19235)))
      (v128.const i32x4 0x8000 0x8000 0x8000 0x8000))
      (i32.const 16)))

  ;; Sum over all pixels.
  (func (export "lumaSum") (param $end i32) (result f64)
    (local $at i32) (local $sum v128) (local $luma v128)
    (loop $each
      (local.set $luma (call $luma (v128.load (local.get $at))))
      (local.set $sum (i64x2.add (local.get $sum) (i64x2.add
        (i64x2.extend_low_i32x4_u (local.get $luma)) (i64x2.extend_high_i32x4_u (local.get $luma)))))
      (local.set $at (i32.add (local.get $at) (i32.const 12)))
      (br_if $each (i32.lt_u (local.get $at) (local.get $end))))
    (f64.convert_i64_u (i64.add (i64x2.extract_lane 0 (local.get $sum)) (i64x2.extract_lane 1 (local.get $sum)))))

  ;; Each pixel away from or towards its luma.
  (func (export "saturation") (param $end i32) (param $alpha f32)
    (local $at i32) (local $pixels v128) (local $factor v128) (local $grey v128)
    (local.set $factor (f32x4.splat (local.get $alpha)))
    (loop $each
      (local.set $pixels (v128.load (local.get $at)))
      (local.set $grey (f32x4.convert_i32x4_s (call $luma (local.get $pixels))))
      (call $put (local.get $at)
        (call $mix (local.get $grey) (call $red (local.get $pixels)) (local.get $factor))
        (call $mix (local.get $grey) (call $green (local.get $pixels)) (local.get $factor))
        (call $mix (local.get $grey) (call $blue (local.get $pixels)) (local.get $factor)))
      (local.set $at (i32.add (local.get $at) (i32.const 12)))
      (br_if $each (i32.lt_u (local.get $at) (local.get $end)))))

  ;; Adds $shift to each hue, which counts from 0 to 255: to HSV and back. Whole numbers are read off the last bits of a float
  ;; that 2^23 was added to, which also rounds.
  (func (export "hue") (param $end i32) (param $shift i32)
    (local $at i32) (local $pixels v128) (local $shifts v128)
    (local $r v128) (local $g v128) (local $b v128) (local $max v128) (local $min v128)
    (local $value v128) (local $range v128) (local $middle v128)
    (local $isRed v128) (local $isGreen v128) (local $lowRed v128) (local $lowBlue v128)
    (local $sixths v128) (local $turn v128) (local $hue v128) (local $strength v128) (local $most v128)
    (local.set $shifts (f32x4.splat (f32.convert_i32_s (i32.add (local.get $shift) (i32.const 8388864)))))
    (loop $each
      (local.set $pixels (v128.load (local.get $at)))
      (local.set $r (call $red (local.get $pixels)))
      (local.set $g (call $green (local.get $pixels)))
      (local.set $b (call $blue (local.get $pixels)))
      (local.set $max (i32x4.max_s (i32x4.max_s (local.get $r) (local.get $g)) (local.get $b)))
      (local.set $min (i32x4.min_s (i32x4.min_s (local.get $r) (local.get $g)) (local.get $b)))
      (local.set $value (f32x4.convert_i32x4_s (local.get $max)))
      (local.set $range (f32x4.convert_i32x4_s (i32x4.sub (local.get $max) (local.get $min))))
      ;; How far the middle channel is from the largest, as a part of the range; a range of 0 is grey, and any hue will do.
      (local.set $middle (f32x4.div
        (f32x4.convert_i32x4_s (i32x4.sub (i32x4.add (local.get $max) (local.get $max))
          (i32x4.sub (i32x4.add (i32x4.add (local.get $r) (local.get $g)) (local.get $b)) (local.get $min))))
        (f32x4.pmax (local.get $range) (v128.const f32x4 1 1 1 1))))

      ;; Hue in sixths of the circle, −1 … 5: from the sector's start up, or from its end down.
      (local.set $isRed (i32x4.eq (local.get $max) (local.get $r)))
      (local.set $isGreen (i32x4.eq (local.get $max) (local.get $g)))
      (local.set $lowRed (i32x4.eq (local.get $min) (local.get $r)))
      (local.set $lowBlue (i32x4.eq (local.get $min) (local.get $b)))
      (local.set $sixths (f32x4.add
        (v128.bitselect
          (f32x4.sub (v128.and (local.get $lowBlue) (v128.const f32x4 2 2 2 2)) (v128.const f32x4 1 1 1 1))
          (v128.bitselect
            (f32x4.sub (v128.const f32x4 3 3 3 3) (v128.and (local.get $lowBlue) (v128.const f32x4 2 2 2 2)))
            (f32x4.sub (v128.const f32x4 5 5 5 5) (v128.and (local.get $lowRed) (v128.const f32x4 2 2 2 2)))
            (local.get $isGreen))
          (local.get $isRed))
        (v128.xor (local.get $middle)
          (v128.and (v128.const i32x4 0x80000000 0x80000000 0x80000000 0x80000000)
            (v128.bitselect (local.get $lowBlue)
              (v128.not (v128.bitselect (local.get $lowBlue) (local.get $lowRed) (local.get $isGreen)))
              (local.get $isRed))))))
      (local.set $turn (f32x4.div (local.get $sixths) (v128.const f32x4 6 6 6 6)))
      (local.set $turn (f32x4.add (local.get $turn) (v128.and (v128.const f32x4 1 1 1 1)
        (f32x4.lt (local.get $sixths) (v128.const f32x4 0 0 0 0)))))
      ;; 255 · turn without its fraction. The product may have been rounded up to a whole number: whole − 256 · turn + turn is
      ;; exact, and positive then.
      (local.set $hue (f32x4.trunc (f32x4.mul (local.get $turn) (v128.const f32x4 255 255 255 255))))
      (local.set $hue (f32x4.sub (local.get $hue) (v128.and (v128.const f32x4 1 1 1 1)
        (f32x4.gt
          (f32x4.add
            (f32x4.sub (local.get $hue) (f32x4.mul (local.get $turn) (v128.const f32x4 256 256 256 256)))
            (local.get $turn))
          (v128.const f32x4 0 0 0 0)))))
      ;; Turned; then 0 … 1530, 255 for each sixth.
      (local.set $hue (f32x4.mul (v128.const f32x4 6 6 6 6) (f32x4.convert_i32x4_s
        (v128.and (f32x4.add (local.get $hue) (local.get $shifts)) (v128.const i32x4 255 255 255 255)))))
      ;; Value · saturation, which is 0 … 255.
      (local.set $strength (f32x4.mul (local.get $value) (f32x4.trunc (f32x4.mul
        (f32x4.div (local.get $range) (f32x4.pmax (local.get $value) (v128.const f32x4 1 1 1 1)))
        (v128.const f32x4 255 255 255 255)))))

      ;; A channel is at its largest for a third of the circle, at its least for another, and goes straight in between.
      (local.set $most (i32x4.add (local.get $max) (v128.const i32x4 0x4B000000 0x4B000000 0x4B000000 0x4B000000)))
      (call $put (local.get $at)
        (call $weaker (local.get $most) (local.get $strength)
          (f32x4.sub (v128.const f32x4 510 510 510 510)
            (f32x4.abs (f32x4.sub (local.get $hue) (v128.const f32x4 765 765 765 765)))))
        (call $weaker (local.get $most) (local.get $strength)
          (f32x4.sub (f32x4.abs (f32x4.sub (local.get $hue) (v128.const f32x4 510 510 510 510)))
            (v128.const f32x4 255 255 255 255)))
        (call $weaker (local.get $most) (local.get $strength)
          (f32x4.sub (f32x4.abs (f32x4.sub (local.get $hue) (v128.const f32x4 1020 1020 1020 1020)))
            (v128.const f32x4 255 255 255 255))))
      (local.set $at (i32.add (local.get $at) (i32.const 12)))
      (br_if $each (i32.lt_u (local.get $at) (local.get $end)))))

  ;; most − strength · part / 255², rounded; part is cut off to 0 … 255. $most has the bits of 2^23 in it, which cancel.
  (func $weaker (param $most v128) (param $strength v128) (param $part v128) (result v128)
    (i32x4.sub (local.get $most) (f32x4.add (v128.const f32x4 8388608 8388608 8388608 8388608)
      (f32x4.mul
        (f32x4.mul (local.get $strength) (f32x4.pmin (f32x4.pmax (local.get $part) (v128.const f32x4 0 0 0 0))
          (v128.const f32x4 255 255 255 255)))
        (v128.const f32x4 1.53787004998e-5 1.53787004998e-5 1.53787004998e-5 1.53787004998e-5))))))
