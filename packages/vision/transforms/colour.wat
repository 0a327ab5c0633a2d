;; Changes of colour on 8-bit RGB pixels in place, four at a time, as Pillow computes them; see colour-adjust.ts.
;;
;; The pixels begin at 0; $end is where they end, rounded up to 48 bytes. Reads go up to 4 bytes further: the caller leaves room.
;; Pillow does some steps in double precision. Single precision gives the same bytes for every possible colour, in the order of
;; operations used here: a test goes through all of them.
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

  ;; from + alpha · (to − from) without its fraction; from is of single precision, to of whole numbers.
  (func $mix (param $from v128) (param $to v128) (param $alpha v128) (result v128)
    (i32x4.trunc_sat_f32x4_s (f32x4.add (local.get $from) (f32x4.mul (local.get $alpha)
      (f32x4.sub (f32x4.convert_i32x4_s (local.get $to)) (local.get $from))))))

  ;; The channels of the first four pixels.
  (func $red (param $pixels v128) (result v128)
    (i8x16.shuffle 0 16 16 16 3 16 16 16 6 16 16 16 9 16 16 16 (local.get $pixels) (v128.const i32x4 0 0 0 0)))
  (func $green (param $pixels v128) (result v128)
    (i8x16.shuffle 1 16 16 16 4 16 16 16 7 16 16 16 10 16 16 16 (local.get $pixels) (v128.const i32x4 0 0 0 0)))
  (func $blue (param $pixels v128) (result v128)
    (i8x16.shuffle 2 16 16 16 5 16 16 16 8 16 16 16 11 16 16 16 (local.get $pixels) (v128.const i32x4 0 0 0 0)))

  ;; Writes channels of 0 … 255 as four pixels.
  (func $put (param $at i32) (param $red v128) (param $green v128) (param $blue v128)
    (local $pixels v128)
    (local.set $pixels (v128.or (local.get $red)
      (v128.or (i32x4.shl (local.get $green) (i32.const 8)) (i32x4.shl (local.get $blue) (i32.const 16)))))
    (local.set $pixels
      (i8x16.shuffle 0 1 2 4 5 6 8 9 10 12 13 14 3 3 3 3 (local.get $pixels) (local.get $pixels)))
    (v128.store64_lane 0 (local.get $at) (local.get $pixels))
    (v128.store32_lane offset=8 2 (local.get $at) (local.get $pixels)))

  ;; ITU-R 601 luma in 16 bits behind the point, rounded.
  (func $luma (param $red v128) (param $green v128) (param $blue v128) (result v128)
    (i32x4.shr_u (i32x4.add
      (i32x4.add
        (i32x4.mul (local.get $red) (v128.const i32x4 19595 19595 19595 19595))
        (i32x4.mul (local.get $green) (v128.const i32x4 38470 38470 38470 38470)))
      (i32x4.add
        (i32x4.mul (local.get $blue) (v128.const i32x4 7471 7471 7471 7471))
        (v128.const i32x4 0x8000 0x8000 0x8000 0x8000)))
      (i32.const 16)))

  ;; Sum over all pixels.
  (func (export "lumaSum") (param $end i32) (result f64)
    (local $at i32) (local $pixels v128) (local $sum v128) (local $luma v128)
    (loop $each
      (local.set $pixels (v128.load (local.get $at)))
      (local.set $luma (call $luma
        (call $red (local.get $pixels)) (call $green (local.get $pixels)) (call $blue (local.get $pixels))))
      (local.set $sum (i64x2.add (local.get $sum) (i64x2.add
        (i64x2.extend_low_i32x4_u (local.get $luma)) (i64x2.extend_high_i32x4_u (local.get $luma)))))
      (local.set $at (i32.add (local.get $at) (i32.const 12)))
      (br_if $each (i32.lt_u (local.get $at) (local.get $end))))
    (f64.convert_i64_u (i64.add (i64x2.extract_lane 0 (local.get $sum)) (i64x2.extract_lane 1 (local.get $sum)))))

  ;; Each pixel away from or towards its luma.
  (func (export "saturation") (param $end i32) (param $alpha f32)
    (local $at i32) (local $pixels v128) (local $factor v128) (local $grey v128)
    (local $r v128) (local $g v128) (local $b v128)
    (local.set $factor (f32x4.splat (local.get $alpha)))
    (loop $each
      (local.set $pixels (v128.load (local.get $at)))
      (local.set $r (call $red (local.get $pixels)))
      (local.set $g (call $green (local.get $pixels)))
      (local.set $b (call $blue (local.get $pixels)))
      (local.set $grey (f32x4.convert_i32x4_s (call $luma (local.get $r) (local.get $g) (local.get $b))))
      (call $put (local.get $at)
        (call $cut (call $mix (local.get $grey) (local.get $r) (local.get $factor)))
        (call $cut (call $mix (local.get $grey) (local.get $g) (local.get $factor)))
        (call $cut (call $mix (local.get $grey) (local.get $b) (local.get $factor))))
      (local.set $at (i32.add (local.get $at) (i32.const 12)))
      (br_if $each (i32.lt_u (local.get $at) (local.get $end)))))

  (func $cut (param $value v128) (result v128)
    (i32x4.min_s (i32x4.max_s (local.get $value) (v128.const i32x4 0 0 0 0)) (v128.const i32x4 255 255 255 255)))

  ;; Adds $shift to each hue, which counts from 0 to 255: to HSV and back.
  (func (export "hue") (param $end i32) (param $shift i32)
    (local $at i32) (local $pixels v128) (local $shifts v128) (local $one v128)
    (local $r v128) (local $g v128) (local $b v128) (local $max v128) (local $range v128) (local $isGrey v128)
    (local $value v128) (local $spread v128) (local $rc v128) (local $gc v128) (local $bc v128)
    (local $isRed v128) (local $isGreen v128) (local $base v128) (local $x v128) (local $y v128)
    (local $sixths v128) (local $turn v128) (local $hue v128) (local $saturation v128)
    (local $position v128) (local $sector v128) (local $f v128)
    (local $p v128) (local $q v128) (local $t v128)
    (local $in0 v128) (local $in1 v128) (local $in2 v128) (local $in3 v128) (local $in4 v128) (local $in5 v128)
    (local.set $shifts (i32x4.splat (local.get $shift)))
    (local.set $one (v128.const f32x4 1 1 1 1))
    (loop $each
      (local.set $pixels (v128.load (local.get $at)))
      (local.set $r (call $red (local.get $pixels)))
      (local.set $g (call $green (local.get $pixels)))
      (local.set $b (call $blue (local.get $pixels)))
      (local.set $max (i32x4.max_s (i32x4.max_s (local.get $r) (local.get $g)) (local.get $b)))
      (local.set $range (i32x4.sub (local.get $max)
        (i32x4.min_s (i32x4.min_s (local.get $r) (local.get $g)) (local.get $b))))
      ;; What follows divides by the range; grey pixels, which have none, are put back at the end.
      (local.set $isGrey (i32x4.eq (local.get $range) (v128.const i32x4 0 0 0 0)))
      (local.set $value (f32x4.convert_i32x4_s (local.get $max)))
      (local.set $spread (f32x4.convert_i32x4_s (local.get $range)))

      ;; Hue in sixths of the circle, −1 … 5.
      (local.set $rc (f32x4.div (f32x4.convert_i32x4_s (i32x4.sub (local.get $max) (local.get $r))) (local.get $spread)))
      (local.set $gc (f32x4.div (f32x4.convert_i32x4_s (i32x4.sub (local.get $max) (local.get $g))) (local.get $spread)))
      (local.set $bc (f32x4.div (f32x4.convert_i32x4_s (i32x4.sub (local.get $max) (local.get $b))) (local.get $spread)))
      (local.set $isRed (i32x4.eq (local.get $max) (local.get $r)))
      (local.set $isGreen (i32x4.eq (local.get $max) (local.get $g)))
      (local.set $base (v128.bitselect (v128.const f32x4 0 0 0 0)
        (v128.bitselect (v128.const f32x4 2 2 2 2) (v128.const f32x4 4 4 4 4) (local.get $isGreen)) (local.get $isRed)))
      (local.set $x (v128.bitselect (local.get $bc)
        (v128.bitselect (local.get $rc) (local.get $gc) (local.get $isGreen)) (local.get $isRed)))
      (local.set $y (v128.bitselect (local.get $gc)
        (v128.bitselect (local.get $bc) (local.get $rc) (local.get $isGreen)) (local.get $isRed)))
      ;; base + x − y. One of x and y is 1: with that one first, only the last operation rounds.
      (local.set $sixths (v128.bitselect
        (f32x4.sub (f32x4.add (local.get $base) (local.get $x)) (local.get $y))
        (f32x4.add (f32x4.sub (local.get $base) (local.get $y)) (local.get $x))
        (f32x4.eq (local.get $x) (local.get $one))))
      (local.set $turn (f32x4.div (local.get $sixths) (v128.const f32x4 6 6 6 6)))
      (local.set $turn (v128.bitselect (f32x4.add (local.get $turn) (local.get $one)) (local.get $turn)
        (f32x4.lt (local.get $sixths) (v128.const f32x4 0 0 0 0))))
      ;; 255 · turn without its fraction. The product may have been rounded up to a whole number: whole − 256 · turn + turn is
      ;; exact, and positive then.
      (local.set $hue (f32x4.trunc (f32x4.mul (local.get $turn) (v128.const f32x4 255 255 255 255))))
      (local.set $hue (i32x4.add
        (i32x4.trunc_sat_f32x4_s (local.get $hue))
        (f32x4.gt
          (f32x4.add
            (f32x4.sub (local.get $hue) (f32x4.mul (local.get $turn) (v128.const f32x4 256 256 256 256)))
            (local.get $turn))
          (v128.const f32x4 0 0 0 0))))
      (local.set $hue (v128.and (i32x4.add (local.get $hue) (local.get $shifts)) (v128.const i32x4 255 255 255 255)))
      (local.set $saturation (f32x4.div
        (f32x4.trunc (f32x4.mul (f32x4.div (local.get $spread) (local.get $value)) (v128.const f32x4 255 255 255 255)))
        (v128.const f32x4 255 255 255 255)))

      ;; Back: the sector of the circle, and how far in it.
      (local.set $position (f32x4.convert_i32x4_s (local.get $hue)))
      (local.set $f (f32x4.trunc (f32x4.mul (local.get $position) (v128.const f32x4 0.0235294118 0.0235294118 0.0235294118 0.0235294118))))
      (local.set $sector (i32x4.trunc_sat_f32x4_s (local.get $f)))
      (local.set $f (f32x4.div
        (f32x4.sub (f32x4.mul (local.get $position) (v128.const f32x4 6 6 6 6))
          (f32x4.mul (local.get $f) (v128.const f32x4 255 255 255 255)))
        (v128.const f32x4 255 255 255 255)))
      (local.set $p (call $part (local.get $value) (local.get $saturation)))
      (local.set $q (call $part (local.get $value) (f32x4.mul (local.get $saturation) (local.get $f))))
      (local.set $t (call $part (local.get $value)
        (f32x4.mul (local.get $saturation) (f32x4.sub (local.get $one) (local.get $f)))))
      ;; Sector 6 is the very end of the circle: 0 again.
      (local.set $in0 (v128.or (i32x4.eq (local.get $sector) (v128.const i32x4 0 0 0 0))
        (i32x4.eq (local.get $sector) (v128.const i32x4 6 6 6 6))))
      (local.set $in1 (i32x4.eq (local.get $sector) (v128.const i32x4 1 1 1 1)))
      (local.set $in2 (i32x4.eq (local.get $sector) (v128.const i32x4 2 2 2 2)))
      (local.set $in3 (i32x4.eq (local.get $sector) (v128.const i32x4 3 3 3 3)))
      (local.set $in4 (i32x4.eq (local.get $sector) (v128.const i32x4 4 4 4 4)))
      (local.set $in5 (i32x4.eq (local.get $sector) (v128.const i32x4 5 5 5 5)))
      (call $put (local.get $at)
        (v128.bitselect (local.get $r) (call $pick (local.get $max) (local.get $q) (local.get $t) (local.get $p)
          (v128.or (local.get $in0) (local.get $in5)) (local.get $in1) (local.get $in4)) (local.get $isGrey))
        (v128.bitselect (local.get $g) (call $pick (local.get $max) (local.get $q) (local.get $t) (local.get $p)
          (v128.or (local.get $in1) (local.get $in2)) (local.get $in3) (local.get $in0)) (local.get $isGrey))
        (v128.bitselect (local.get $b) (call $pick (local.get $max) (local.get $q) (local.get $t) (local.get $p)
          (v128.or (local.get $in3) (local.get $in4)) (local.get $in5) (local.get $in2)) (local.get $isGrey)))
      (local.set $at (i32.add (local.get $at) (i32.const 12)))
      (br_if $each (i32.lt_u (local.get $at) (local.get $end)))))

  ;; value · (1 − less), rounded.
  (func $part (param $value v128) (param $less v128) (result v128)
    (i32x4.trunc_sat_f32x4_s (f32x4.add
      (f32x4.mul (local.get $value) (f32x4.sub (v128.const f32x4 1 1 1 1) (local.get $less)))
      (v128.const f32x4 0.5 0.5 0.5 0.5))))

  ;; Which of four, by three masks.
  (func $pick (param $max v128) (param $q v128) (param $t v128) (param $p v128)
    (param $isMax v128) (param $isQ v128) (param $isT v128) (result v128)
    (v128.bitselect (local.get $max)
      (v128.bitselect (local.get $q)
        (v128.bitselect (local.get $t) (local.get $p) (local.get $isT)) (local.get $isQ)) (local.get $isMax))))
