'use strict'
Object.defineProperty(exports, '__esModule', { value: true })
exports.ScalarMultiplier = void 0
exports.validatePointCons = validatePointCons
exports.normalizeZ = normalizeZ
exports.probeRandomBytes = probeRandomBytes
exports.mulAddUnsafe = mulAddUnsafe
exports.pippenger = pippenger
exports.interleavedMSMUnsafe = interleavedMSMUnsafe
exports.createCurveFields = createCurveFields
exports.createKeygen = createKeygen
const utils_js_1 = require('../utils.js')
const modular_js_1 = require('./modular.js')
const _0n = BigInt(0)
const _1n = BigInt(1)
const _4n = BigInt(4)
const BLIND_BYTES = 16
const BLIND_BITS = 128
const FW_WINDOW = 5
const TABLE_BYTES_MAX = (() => 2 ** 31)()
function validatePointCons(Point) {
  const pc = Point
  if (typeof pc !== 'function') throw new TypeError('"Point" expected constructor, got type=' + typeof Point)
  ;(0, utils_js_1.afunction)(pc.fromAffine, 'Point.fromAffine')
  ;(0, utils_js_1.afunction)(pc.fromBytes, 'Point.fromBytes')
  ;(0, utils_js_1.afunction)(pc.fromHex, 'Point.fromHex')
  ;(0, utils_js_1.aobject)(pc.BASE, 'Point.BASE')
  ;(0, utils_js_1.aobject)(pc.ZERO, 'Point.ZERO')
  ;(0, modular_js_1.validateField)(pc.Fp)
  ;(0, modular_js_1.validateField)(pc.Fn)
}
function normalizeZ(c, points) {
  validatePointCons(c)
  validateMSMPoints(points, c)
  const invertedZs = (0, modular_js_1.FpInvertBatch)(
    c.Fp,
    points.map((p) => p.Z),
  )
  return points.map((p, i) => c.fromAffine(p.toAffine(invertedZs[i])))
}
function validateW(W, bits, min = 1) {
  if (!Number.isSafeInteger(W) || W < min || W > bits)
    throw new Error('invalid window size, expected [' + min + '..' + bits + '], got W=' + W)
}
function validateTableBytes(numPoints, fpBytes) {
  const bytes = numPoints * (4 * fpBytes + 128)
  if (bytes > TABLE_BYTES_MAX)
    throw new Error(
      'invalid window size: table would need ~' +
        Math.ceil(bytes / 2 ** 20) +
        ' MiB, max ' +
        TABLE_BYTES_MAX / 2 ** 20 +
        ' MiB',
    )
}
function probeRandomBytes(randomBytes, length) {
  if (randomBytes === undefined) return undefined
  ;(0, utils_js_1.afunction)(randomBytes, 'randomBytes')
  try {
    const probe = randomBytes(length)
    if (!(0, utils_js_1.isBytes)(probe) || probe.length !== length) return undefined
  } catch {
    return undefined
  }
  return randomBytes
}
function validateMSMPoints(points, c) {
  ;(0, utils_js_1.aarray)(points, 'points')
  points.forEach((p, i) => {
    if (!(p instanceof c)) throw new Error('invalid point at index ' + i)
  })
}
function validateMSMScalars(scalars, field, maxScalar) {
  if (!Array.isArray(scalars)) throw new Error('array of scalars expected')
  scalars.forEach((s, i) => {
    const ok = maxScalar === undefined ? field.isValid(s) : (0, utils_js_1.isPosBig)(s) && s < maxScalar
    if (!ok) throw new Error('invalid scalar at index ' + i)
  })
}
const pointWindowSizes = new WeakMap()
function getWindowSize(P) {
  return pointWindowSizes.get(P) || 1
}
function oddMultiples(p, size) {
  const dbl = p.double()
  const t = [p]
  for (let j = 1; j < size; j++) t.push(t[j - 1].add(dbl))
  return t
}
function wnafDigits(n, W) {
  const size = 2 ** W
  const half = size / 2
  const mask = BigInt(size - 1)
  const d = []
  while (n > _0n) {
    let w = 0
    if (n & _1n) {
      w = Number(n & mask)
      if (w >= half) w -= size
      n -= BigInt(w)
    }
    d.push(w)
    n >>= _1n
  }
  return d
}
function signedWindowDigits(n, W, windows) {
  const size = 2 ** W
  const half = size / 2
  const mask = BigInt(size - 1)
  const shiftBy = BigInt(W)
  const d = []
  for (let w = 0; w < windows; w++) {
    let v = Number(n & mask)
    n >>= shiftBy
    if (v > half) {
      v -= size
      n += _1n
    }
    d.push(v)
  }
  if (n !== _0n) throw new Error('invalid wnaf')
  return d
}
function wnafWalk(zero, tables, digits) {
  let max = 0
  for (const d of digits) max = Math.max(max, d.length)
  let acc = zero
  for (let bit = max - 1; bit >= 0; bit--) {
    if (bit !== max - 1) acc = acc.double()
    for (let i = 0; i < digits.length; i++) {
      const w = digits[i][bit]
      if (w) {
        const item = tables[i][(Math.abs(w) - 1) >> 1]
        acc = acc.add(w < 0 ? item.negate() : item)
      }
    }
  }
  return acc
}
class ScalarMultiplier {
  Point
  BASE
  ZERO
  randomBytes
  wnafPrecomputes = new WeakMap()
  baseCanBeBlinded
  bits
  constructor(Point, randomBytes) {
    validatePointCons(Point)
    this.randomBytes = probeRandomBytes(randomBytes, BLIND_BYTES)
    this.Point = Point
    this.BASE = Point.BASE
    this.ZERO = Point.ZERO
    this.bits = Point.Fn.BITS
  }
  buildWnafTable(point, W, bits) {
    const windows = Math.ceil(bits / W) + 1
    const half = 2 ** (W - 1)
    const comp = []
    let base = point
    for (let w = 0; w < windows; w++) {
      let acc = base
      for (let i = 0; i < half; i++) {
        comp.push(acc)
        acc = acc.add(base)
      }
      base = comp[comp.length - 1].double()
    }
    return { W, bits, windows, comp }
  }
  wnafCachedCT(precomputes, n) {
    const { W, windows, comp } = precomputes
    const half = 2 ** (W - 1)
    const digits = signedWindowDigits(n, W, windows)
    let p = this.ZERO
    let f = this.BASE
    for (let w = 0; w < windows; w++) {
      const digit = digits[w]
      const start = w * half
      const idx = Math.abs(digit) - 1
      let sel = comp[start]
      for (let i = 1; i < half; i++) sel = i === idx ? comp[start + i] : sel
      const neg = sel.negate()
      if (digit === 0) f = f.add(comp[start])
      else p = p.add(digit < 0 ? neg : sel)
    }
    return { p, f }
  }
  getWnafPrecomputes(W, point, bits, transform) {
    let entries = this.wnafPrecomputes.get(point)
    let comp = entries?.find((entry) => entry.W === W && entry.bits === bits)
    if (!comp) {
      comp = this.buildWnafTable(point, W, bits)
      if (typeof transform === 'function') comp = { ...comp, comp: transform(comp.comp) }
      if (!entries) {
        entries = []
        this.wnafPrecomputes.set(point, entries)
      }
      entries.push(comp)
    }
    return comp
  }
  assertPoint(point) {
    if (!(point instanceof this.Point)) throw new TypeError('"point" expected Point instance, got type=' + typeof point)
  }
  validateMulInput(point, scalar) {
    this.assertPoint(point)
    if (!(0, utils_js_1.inRange)(scalar, _1n, this.Point.Fn.ORDER)) throw new Error('invalid scalar')
  }
  runCT(point, n, bits, transform) {
    const W = getWindowSize(point)
    if (W === 1) return this.fixedWindowCT(point, n, bits)
    return this.wnafCachedCT(this.getWnafPrecomputes(W, point, bits, transform), n)
  }
  mulCT(point, scalar, transform) {
    this.validateMulInput(point, scalar)
    return this.runCT(point, scalar, this.bits, transform)
  }
  mulCTBlinded(point, scalar, transform) {
    this.validateMulInput(point, scalar)
    if (this.randomBytes === undefined) throw new Error('randomBytes is required for scalar blinding')
    const bits = this.Point.Fn.BITS + BLIND_BITS
    const blind = this.randomBytes(BLIND_BYTES)
    if (!(0, utils_js_1.isBytes)(blind) || blind.length !== BLIND_BYTES)
      throw new Error('randomBytes returned invalid byte array')
    blind[0] = (blind[0] & 0x3f) | 0x80
    const n = scalar + (0, utils_js_1.bytesToNumberBE)(blind) * this.Point.Fn.ORDER
    return this.runCT(point, n, bits, transform)
  }
  fixedWindowCT(point, n, bits) {
    const W = FW_WINDOW
    const size = 1 << W
    const mask = (0, utils_js_1.bitMask)(W)
    const table = new Array(size)
    table[0] = this.ZERO
    for (let i = 1; i < size; i++) table[i] = table[i - 1].add(point)
    const windows = Math.ceil(bits / W)
    let acc = this.ZERO
    for (let window = windows - 1; window >= 0; window--) {
      if (window !== windows - 1) for (let d = 0; d < W; d++) acc = acc.double()
      const digit = Number((n >> BigInt(window * W)) & mask)
      let sel = table[0]
      for (let i = 1; i < size; i++) sel = i === digit ? table[i] : sel
      acc = acc.add(sel)
    }
    return { p: acc, f: acc }
  }
  shouldBlind(point, cofactor) {
    if (this.randomBytes === undefined) return false
    if (cofactor === _1n) return true
    if (point !== this.BASE) return false
    if (this.baseCanBeBlinded === undefined)
      this.baseCanBeBlinded = this.mulUnsafe(this.BASE, this.Point.Fn.ORDER).is0()
    return this.baseCanBeBlinded
  }
  mulSecret(point, scalar, cofactor, transform) {
    return this.shouldBlind(point, cofactor)
      ? this.mulCTBlinded(point, scalar, transform)
      : this.mulCT(point, scalar, transform)
  }
  mulUnsafe(point, scalar, transform) {
    this.assertPoint(point)
    if (!(0, utils_js_1.isPosBig)(scalar)) throw new Error('invalid scalar')
    const W = getWindowSize(point)
    if (W === 1 || scalar >= this.Point.Fn.ORDER) return mulAddUnsafe(this.Point, [point], [scalar], true)
    const precomputes = this.getWnafPrecomputes(W, point, this.bits, transform)
    return this.wnafCachedCT(precomputes, scalar).p
  }
  setWindowSize(point, W) {
    this.assertPoint(point)
    validateW(W, this.bits)
    const windows = Math.ceil((this.bits + BLIND_BITS) / W) + 1
    validateTableBytes(windows * 2 ** (W - 1), this.Point.Fp.BYTES)
    pointWindowSizes.set(point, W)
    this.wnafPrecomputes.delete(point)
  }
  hasWindowSize(point) {
    return getWindowSize(point) !== 1
  }
}
exports.ScalarMultiplier = ScalarMultiplier
function mulAddUnsafe(c, points, scalars, allowOversized = false) {
  validatePointCons(c)
  validateMSMPoints(points, c)
  ;(0, utils_js_1.abool)(allowOversized, 'allowOversized')
  validateMSMScalars(scalars, c.Fn, allowOversized ? c.Fn.ORDER ** _4n : undefined)
  if (points.length !== scalars.length) throw new Error('arrays of points and scalars must have equal length')
  const tables = points.map((p) => oddMultiples(p, 4))
  const digits = scalars.map((n) => wnafDigits(n, 4))
  return wnafWalk(c.ZERO, tables, digits)
}
function pippenger(c, points, scalars) {
  validatePointCons(c)
  const fieldN = c.Fn
  validateMSMPoints(points, c)
  validateMSMScalars(scalars, fieldN)
  const plength = points.length
  const slength = scalars.length
  if (plength !== slength) throw new Error('arrays of points and scalars must have equal length')
  const zero = c.ZERO
  if (plength === 0) return zero
  const wbits = (0, utils_js_1.bitLen)(BigInt(plength))
  let windowSize = 1
  if (wbits > 12) windowSize = wbits - 3
  else if (wbits > 4) windowSize = wbits - 2
  else if (wbits > 0) windowSize = 2
  const MASK = (0, utils_js_1.bitMask)(windowSize)
  const buckets = new Array(Number(MASK) + 1).fill(zero)
  const lastBits = Math.floor((fieldN.BITS - 1) / windowSize) * windowSize
  let sum = zero
  for (let i = lastBits; i >= 0; i -= windowSize) {
    buckets.fill(zero)
    for (let j = 0; j < slength; j++) {
      const scalar = scalars[j]
      const wbits = Number((scalar >> BigInt(i)) & MASK)
      buckets[wbits] = buckets[wbits].add(points[j])
    }
    let resI = zero
    for (let j = buckets.length - 1, sumI = zero; j > 0; j--) {
      sumI = sumI.add(buckets[j])
      resI = resI.add(sumI)
    }
    sum = sum.add(resI)
    if (i !== 0) for (let j = 0; j < windowSize; j++) sum = sum.double()
  }
  return sum
}
function interleavedMSMUnsafe(c, points, windowSize) {
  validatePointCons(c)
  const fieldN = c.Fn
  validateW(windowSize, fieldN.BITS, 2)
  validateMSMPoints(points, c)
  validateTableBytes(points.length * 2 ** (windowSize - 2), c.Fp.BYTES)
  const tables = points.map((p) => oddMultiples(p, 2 ** (windowSize - 2)))
  return (scalars) => {
    validateMSMScalars(scalars, fieldN)
    if (scalars.length > points.length) throw new Error('array of scalars must not be larger than array of points')
    return wnafWalk(
      c.ZERO,
      tables,
      scalars.map((n) => wnafDigits(n, windowSize)),
    )
  }
}
function createField(order, field, isLE) {
  if (field) {
    if (field.ORDER !== order) throw new Error('Field.ORDER must match order: Fp == p, Fn == n')
    ;(0, modular_js_1.validateField)(field)
    return field
  } else {
    return (0, modular_js_1.Field)(order, { isLE })
  }
}
function createCurveFields(type, CURVE, curveOpts = {}, FpFnLE) {
  if (type !== 'weierstrass' && type !== 'edwards') throw new Error('expected curve type "weierstrass" or "edwards"')
  if (FpFnLE === undefined) FpFnLE = type === 'edwards'
  if (!CURVE || typeof CURVE !== 'object') throw new Error(`expected valid ${type} CURVE object`)
  ;(0, utils_js_1.validateObject)(curveOpts)
  for (const p of ['p', 'n', 'h']) {
    const val = CURVE[p]
    if (!((0, utils_js_1.isPosBig)(val) && val !== _0n)) throw new Error(`CURVE.${p} must be positive bigint`)
  }
  const Fp = createField(CURVE.p, curveOpts.Fp, FpFnLE)
  const Fn = createField(CURVE.n, curveOpts.Fn, FpFnLE)
  const _b = type === 'weierstrass' ? 'b' : 'd'
  const params = ['Gx', 'Gy', 'a', _b]
  for (const p of params) {
    if (!Fp.isValid(CURVE[p])) throw new Error(`CURVE.${p} must be valid field element of CURVE.Fp`)
  }
  CURVE = Object.freeze(Object.assign({}, CURVE))
  return { CURVE, Fp, Fn }
}
function createKeygen(randomSecretKey, getPublicKey) {
  return function keygen(seed) {
    const secretKey = randomSecretKey(seed)
    return { secretKey, publicKey: getPublicKey(secretKey) }
  }
}
