'use strict'
Object.defineProperty(exports, '__esModule', { value: true })
exports.wNAF = void 0
exports.negateCt = negateCt
exports.normalizeZ = normalizeZ
exports.mulEndoUnsafe = mulEndoUnsafe
exports.pippenger = pippenger
exports.precomputeMSMUnsafe = precomputeMSMUnsafe
exports.createCurveFields = createCurveFields
exports.createKeygen = createKeygen
const utils_js_1 = require('../utils.js')
const modular_js_1 = require('./modular.js')
const _0n = BigInt(0)
const _1n = BigInt(1)
function negateCt(condition, item) {
  const neg = item.negate()
  return condition ? neg : item
}
function normalizeZ(c, points) {
  const invertedZs = (0, modular_js_1.FpInvertBatch)(
    c.Fp,
    points.map((p) => p.Z),
  )
  return points.map((p, i) => c.fromAffine(p.toAffine(invertedZs[i])))
}
function validateW(W, bits) {
  if (!Number.isSafeInteger(W) || W <= 0 || W > bits)
    throw new Error('invalid window size, expected [1..' + bits + '], got W=' + W)
}
function calcWOpts(W, scalarBits) {
  validateW(W, scalarBits)
  const windows = Math.ceil(scalarBits / W) + 1
  const windowSize = 2 ** (W - 1)
  const maxNumber = 2 ** W
  const mask = (0, utils_js_1.bitMask)(W)
  const shiftBy = BigInt(W)
  return { windows, windowSize, mask, maxNumber, shiftBy }
}
function calcOffsets(n, window, wOpts) {
  const { windowSize, mask, maxNumber, shiftBy } = wOpts
  let wbits = Number(n & mask)
  let nextN = n >> shiftBy
  if (wbits > windowSize) {
    wbits -= maxNumber
    nextN += _1n
  }
  const offsetStart = window * windowSize
  const offset = offsetStart + Math.abs(wbits) - 1
  const isZero = wbits === 0
  const isNeg = wbits < 0
  const isNegF = window % 2 !== 0
  const offsetF = offsetStart
  return { nextN, offset, isZero, isNeg, isNegF, offsetF }
}
function validateMSMPoints(points, c) {
  if (!Array.isArray(points)) throw new Error('array expected')
  points.forEach((p, i) => {
    if (!(p instanceof c)) throw new Error('invalid point at index ' + i)
  })
}
function validateMSMScalars(scalars, field) {
  if (!Array.isArray(scalars)) throw new Error('array of scalars expected')
  scalars.forEach((s, i) => {
    if (!field.isValid(s)) throw new Error('invalid scalar at index ' + i)
  })
}
const pointPrecomputes = new WeakMap()
const pointWindowSizes = new WeakMap()
function getW(P) {
  return pointWindowSizes.get(P) || 1
}
function assert0(n) {
  if (n !== _0n) throw new Error('invalid wNAF')
}
class wNAF {
  BASE
  ZERO
  Fn
  bits
  constructor(Point, bits) {
    this.BASE = Point.BASE
    this.ZERO = Point.ZERO
    this.Fn = Point.Fn
    this.bits = bits
  }
  _unsafeLadder(elm, n, p = this.ZERO) {
    let d = elm
    while (n > _0n) {
      if (n & _1n) p = p.add(d)
      d = d.double()
      n >>= _1n
    }
    return p
  }
  precomputeWindow(point, W) {
    const { windows, windowSize } = calcWOpts(W, this.bits)
    const points = []
    let p = point
    let base = p
    for (let window = 0; window < windows; window++) {
      base = p
      points.push(base)
      for (let i = 1; i < windowSize; i++) {
        base = base.add(p)
        points.push(base)
      }
      p = base.double()
    }
    return points
  }
  wNAF(W, precomputes, n) {
    if (!this.Fn.isValid(n)) throw new Error('invalid scalar')
    let p = this.ZERO
    let f = this.BASE
    const wo = calcWOpts(W, this.bits)
    for (let window = 0; window < wo.windows; window++) {
      const { nextN, offset, isZero, isNeg, isNegF, offsetF } = calcOffsets(n, window, wo)
      n = nextN
      if (isZero) {
        f = f.add(negateCt(isNegF, precomputes[offsetF]))
      } else {
        p = p.add(negateCt(isNeg, precomputes[offset]))
      }
    }
    assert0(n)
    return { p, f }
  }
  wNAFUnsafe(W, precomputes, n, acc = this.ZERO) {
    const wo = calcWOpts(W, this.bits)
    for (let window = 0; window < wo.windows; window++) {
      if (n === _0n) break
      const { nextN, offset, isZero, isNeg } = calcOffsets(n, window, wo)
      n = nextN
      if (isZero) {
        continue
      } else {
        const item = precomputes[offset]
        acc = acc.add(isNeg ? item.negate() : item)
      }
    }
    assert0(n)
    return acc
  }
  getPrecomputes(W, point, transform) {
    let comp = pointPrecomputes.get(point)
    if (!comp) {
      comp = this.precomputeWindow(point, W)
      if (W !== 1) {
        if (typeof transform === 'function') comp = transform(comp)
        pointPrecomputes.set(point, comp)
      }
    }
    return comp
  }
  cached(point, scalar, transform) {
    const W = getW(point)
    return this.wNAF(W, this.getPrecomputes(W, point, transform), scalar)
  }
  unsafe(point, scalar, transform, prev) {
    const W = getW(point)
    if (W === 1) return this._unsafeLadder(point, scalar, prev)
    return this.wNAFUnsafe(W, this.getPrecomputes(W, point, transform), scalar, prev)
  }
  createCache(P, W) {
    validateW(W, this.bits)
    pointWindowSizes.set(P, W)
    pointPrecomputes.delete(P)
  }
  hasCache(elm) {
    return getW(elm) !== 1
  }
}
exports.wNAF = wNAF
function mulEndoUnsafe(Point, point, k1, k2) {
  let acc = point
  let p1 = Point.ZERO
  let p2 = Point.ZERO
  while (k1 > _0n || k2 > _0n) {
    if (k1 & _1n) p1 = p1.add(acc)
    if (k2 & _1n) p2 = p2.add(acc)
    acc = acc.double()
    k1 >>= _1n
    k2 >>= _1n
  }
  return { p1, p2 }
}
function pippenger(c, points, scalars) {
  const fieldN = c.Fn
  validateMSMPoints(points, c)
  validateMSMScalars(scalars, fieldN)
  const plength = points.length
  const slength = scalars.length
  if (plength !== slength) throw new Error('arrays of points and scalars must have equal length')
  const zero = c.ZERO
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
function precomputeMSMUnsafe(c, points, windowSize) {
  const fieldN = c.Fn
  validateW(windowSize, fieldN.BITS)
  validateMSMPoints(points, c)
  const zero = c.ZERO
  const tableSize = 2 ** windowSize - 1
  const chunks = Math.ceil(fieldN.BITS / windowSize)
  const MASK = (0, utils_js_1.bitMask)(windowSize)
  const tables = points.map((p) => {
    const res = []
    for (let i = 0, acc = p; i < tableSize; i++) {
      res.push(acc)
      acc = acc.add(p)
    }
    return res
  })
  return (scalars) => {
    validateMSMScalars(scalars, fieldN)
    if (scalars.length > points.length) throw new Error('array of scalars must be smaller than array of points')
    let res = zero
    for (let i = 0; i < chunks; i++) {
      if (res !== zero) for (let j = 0; j < windowSize; j++) res = res.double()
      const shiftBy = BigInt(chunks * windowSize - (i + 1) * windowSize)
      for (let j = 0; j < scalars.length; j++) {
        const n = scalars[j]
        const curr = Number((n >> shiftBy) & MASK)
        if (!curr) continue
        res = res.add(tables[j][curr - 1])
      }
    }
    return res
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
  if (FpFnLE === undefined) FpFnLE = type === 'edwards'
  if (!CURVE || typeof CURVE !== 'object') throw new Error(`expected valid ${type} CURVE object`)
  for (const p of ['p', 'n', 'h']) {
    const val = CURVE[p]
    if (!(typeof val === 'bigint' && val > _0n)) throw new Error(`CURVE.${p} must be positive bigint`)
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
