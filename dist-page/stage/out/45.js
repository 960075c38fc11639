'use strict'
Object.defineProperty(exports, '__esModule', { value: true })
exports.DER = exports.DERErr = void 0
exports._splitEndoScalar = _splitEndoScalar
exports.weierstrass = weierstrass
exports.SWUFpSqrtRatio = SWUFpSqrtRatio
exports.mapToCurveSimpleSWU = mapToCurveSimpleSWU
exports.ecdh = ecdh
exports.ecdsa = ecdsa
const hmac_js_1 = require('@noble/hashes/hmac.js')
const utils_js_1 = require('@noble/hashes/utils.js')
const utils_js_2 = require('../utils.js')
const curve_js_1 = require('./curve.js')
const modular_js_1 = require('./modular.js')
const divNearest = (num, den) => (num + (num >= 0 ? den : -den) / _2n) / den
function _splitEndoScalar(k, basis, n) {
  const [[a1, b1], [a2, b2]] = basis
  const c1 = divNearest(b2 * k, n)
  const c2 = divNearest(-b1 * k, n)
  let k1 = k - c1 * a1 - c2 * a2
  let k2 = -c1 * b1 - c2 * b2
  const k1neg = k1 < _0n
  const k2neg = k2 < _0n
  if (k1neg) k1 = -k1
  if (k2neg) k2 = -k2
  const MAX_NUM = (0, utils_js_2.bitMask)(Math.ceil((0, utils_js_2.bitLen)(n) / 2)) + _1n
  if (k1 < _0n || k1 >= MAX_NUM || k2 < _0n || k2 >= MAX_NUM) {
    throw new Error('splitScalar (endomorphism): failed, k=' + k)
  }
  return { k1neg, k1, k2neg, k2 }
}
function validateSigFormat(format) {
  if (!['compact', 'recovered', 'der'].includes(format))
    throw new Error('Signature format must be "compact", "recovered", or "der"')
  return format
}
function validateSigOpts(opts, def) {
  const optsn = {}
  for (let optName of Object.keys(def)) {
    optsn[optName] = opts[optName] === undefined ? def[optName] : opts[optName]
  }
  ;(0, utils_js_2.abool)(optsn.lowS, 'lowS')
  ;(0, utils_js_2.abool)(optsn.prehash, 'prehash')
  if (optsn.format !== undefined) validateSigFormat(optsn.format)
  return optsn
}
class DERErr extends Error {
  constructor(m = '') {
    super(m)
  }
}
exports.DERErr = DERErr
exports.DER = {
  Err: DERErr,
  _tlv: {
    encode: (tag, data) => {
      const { Err: E } = exports.DER
      if (tag < 0 || tag > 256) throw new E('tlv.encode: wrong tag')
      if (data.length & 1) throw new E('tlv.encode: unpadded data')
      const dataLen = data.length / 2
      const len = (0, utils_js_2.numberToHexUnpadded)(dataLen)
      if ((len.length / 2) & 0b1000_0000) throw new E('tlv.encode: long form length too big')
      const lenLen = dataLen > 127 ? (0, utils_js_2.numberToHexUnpadded)((len.length / 2) | 0b1000_0000) : ''
      const t = (0, utils_js_2.numberToHexUnpadded)(tag)
      return t + lenLen + len + data
    },
    decode(tag, data) {
      const { Err: E } = exports.DER
      let pos = 0
      if (tag < 0 || tag > 256) throw new E('tlv.encode: wrong tag')
      if (data.length < 2 || data[pos++] !== tag) throw new E('tlv.decode: wrong tlv')
      const first = data[pos++]
      const isLong = !!(first & 0b1000_0000)
      let length = 0
      if (!isLong) length = first
      else {
        const lenLen = first & 0b0111_1111
        if (!lenLen) throw new E('tlv.decode(long): indefinite length not supported')
        if (lenLen > 4) throw new E('tlv.decode(long): byte length is too big')
        const lengthBytes = data.subarray(pos, pos + lenLen)
        if (lengthBytes.length !== lenLen) throw new E('tlv.decode: length bytes not complete')
        if (lengthBytes[0] === 0) throw new E('tlv.decode(long): zero leftmost byte')
        for (const b of lengthBytes) length = (length << 8) | b
        pos += lenLen
        if (length < 128) throw new E('tlv.decode(long): not minimal encoding')
      }
      const v = data.subarray(pos, pos + length)
      if (v.length !== length) throw new E('tlv.decode: wrong value length')
      return { v, l: data.subarray(pos + length) }
    },
  },
  _int: {
    encode(num) {
      const { Err: E } = exports.DER
      if (num < _0n) throw new E('integer: negative integers are not allowed')
      let hex = (0, utils_js_2.numberToHexUnpadded)(num)
      if (Number.parseInt(hex[0], 16) & 0b1000) hex = '00' + hex
      if (hex.length & 1) throw new E('unexpected DER parsing assertion: unpadded hex')
      return hex
    },
    decode(data) {
      const { Err: E } = exports.DER
      if (data[0] & 0b1000_0000) throw new E('invalid signature integer: negative')
      if (data[0] === 0x00 && !(data[1] & 0b1000_0000))
        throw new E('invalid signature integer: unnecessary leading zero')
      return (0, utils_js_2.bytesToNumberBE)(data)
    },
  },
  toSig(bytes) {
    const { Err: E, _int: int, _tlv: tlv } = exports.DER
    const data = (0, utils_js_2.abytes)(bytes, undefined, 'signature')
    const { v: seqBytes, l: seqLeftBytes } = tlv.decode(0x30, data)
    if (seqLeftBytes.length) throw new E('invalid signature: left bytes after parsing')
    const { v: rBytes, l: rLeftBytes } = tlv.decode(0x02, seqBytes)
    const { v: sBytes, l: sLeftBytes } = tlv.decode(0x02, rLeftBytes)
    if (sLeftBytes.length) throw new E('invalid signature: left bytes after parsing')
    return { r: int.decode(rBytes), s: int.decode(sBytes) }
  },
  hexFromSig(sig) {
    const { _tlv: tlv, _int: int } = exports.DER
    const rs = tlv.encode(0x02, int.encode(sig.r))
    const ss = tlv.encode(0x02, int.encode(sig.s))
    const seq = rs + ss
    return tlv.encode(0x30, seq)
  },
}
const _0n = BigInt(0),
  _1n = BigInt(1),
  _2n = BigInt(2),
  _3n = BigInt(3),
  _4n = BigInt(4)
function weierstrass(params, extraOpts = {}) {
  const validated = (0, curve_js_1.createCurveFields)('weierstrass', params, extraOpts)
  const { Fp, Fn } = validated
  let CURVE = validated.CURVE
  const { h: cofactor, n: CURVE_ORDER } = CURVE
  ;(0, utils_js_2.validateObject)(
    extraOpts,
    {},
    {
      allowInfinityPoint: 'boolean',
      clearCofactor: 'function',
      isTorsionFree: 'function',
      fromBytes: 'function',
      toBytes: 'function',
      endo: 'object',
    },
  )
  const { endo } = extraOpts
  if (endo) {
    if (!Fp.is0(CURVE.a) || typeof endo.beta !== 'bigint' || !Array.isArray(endo.basises)) {
      throw new Error('invalid endo: expected "beta": bigint and "basises": array')
    }
  }
  const lengths = getWLengths(Fp, Fn)
  function assertCompressionIsSupported() {
    if (!Fp.isOdd) throw new Error('compression is not supported: Field does not have .isOdd()')
  }
  function pointToBytes(_c, point, isCompressed) {
    const { x, y } = point.toAffine()
    const bx = Fp.toBytes(x)
    ;(0, utils_js_2.abool)(isCompressed, 'isCompressed')
    if (isCompressed) {
      assertCompressionIsSupported()
      const hasEvenY = !Fp.isOdd(y)
      return (0, utils_js_2.concatBytes)(pprefix(hasEvenY), bx)
    } else {
      return (0, utils_js_2.concatBytes)(Uint8Array.of(0x04), bx, Fp.toBytes(y))
    }
  }
  function pointFromBytes(bytes) {
    ;(0, utils_js_2.abytes)(bytes, undefined, 'Point')
    const { publicKey: comp, publicKeyUncompressed: uncomp } = lengths
    const length = bytes.length
    const head = bytes[0]
    const tail = bytes.subarray(1)
    if (length === comp && (head === 0x02 || head === 0x03)) {
      const x = Fp.fromBytes(tail)
      if (!Fp.isValid(x)) throw new Error('bad point: is not on curve, wrong x')
      const y2 = weierstrassEquation(x)
      let y
      try {
        y = Fp.sqrt(y2)
      } catch (sqrtError) {
        const err = sqrtError instanceof Error ? ': ' + sqrtError.message : ''
        throw new Error('bad point: is not on curve, sqrt error' + err)
      }
      assertCompressionIsSupported()
      const evenY = Fp.isOdd(y)
      const evenH = (head & 1) === 1
      if (evenH !== evenY) y = Fp.neg(y)
      return { x, y }
    } else if (length === uncomp && head === 0x04) {
      const L = Fp.BYTES
      const x = Fp.fromBytes(tail.subarray(0, L))
      const y = Fp.fromBytes(tail.subarray(L, L * 2))
      if (!isValidXY(x, y)) throw new Error('bad point: is not on curve')
      return { x, y }
    } else {
      throw new Error(`bad point: got length ${length}, expected compressed=${comp} or uncompressed=${uncomp}`)
    }
  }
  const encodePoint = extraOpts.toBytes || pointToBytes
  const decodePoint = extraOpts.fromBytes || pointFromBytes
  function weierstrassEquation(x) {
    const x2 = Fp.sqr(x)
    const x3 = Fp.mul(x2, x)
    return Fp.add(Fp.add(x3, Fp.mul(x, CURVE.a)), CURVE.b)
  }
  function isValidXY(x, y) {
    const left = Fp.sqr(y)
    const right = weierstrassEquation(x)
    return Fp.eql(left, right)
  }
  if (!isValidXY(CURVE.Gx, CURVE.Gy)) throw new Error('bad curve params: generator point')
  const _4a3 = Fp.mul(Fp.pow(CURVE.a, _3n), _4n)
  const _27b2 = Fp.mul(Fp.sqr(CURVE.b), BigInt(27))
  if (Fp.is0(Fp.add(_4a3, _27b2))) throw new Error('bad curve params: a or b')
  function acoord(title, n, banZero = false) {
    if (!Fp.isValid(n) || (banZero && Fp.is0(n))) throw new Error(`bad point coordinate ${title}`)
    return n
  }
  function aprjpoint(other) {
    if (!(other instanceof Point)) throw new Error('Weierstrass Point expected')
  }
  function splitEndoScalarN(k) {
    if (!endo || !endo.basises) throw new Error('no endo')
    return _splitEndoScalar(k, endo.basises, Fn.ORDER)
  }
  const toAffineMemo = (0, utils_js_2.memoized)((p, iz) => {
    const { X, Y, Z } = p
    if (Fp.eql(Z, Fp.ONE)) return { x: X, y: Y }
    const is0 = p.is0()
    if (iz == null) iz = is0 ? Fp.ONE : Fp.inv(Z)
    const x = Fp.mul(X, iz)
    const y = Fp.mul(Y, iz)
    const zz = Fp.mul(Z, iz)
    if (is0) return { x: Fp.ZERO, y: Fp.ZERO }
    if (!Fp.eql(zz, Fp.ONE)) throw new Error('invZ was invalid')
    return { x, y }
  })
  const assertValidMemo = (0, utils_js_2.memoized)((p) => {
    if (p.is0()) {
      if (extraOpts.allowInfinityPoint && !Fp.is0(p.Y)) return
      throw new Error('bad point: ZERO')
    }
    const { x, y } = p.toAffine()
    if (!Fp.isValid(x) || !Fp.isValid(y)) throw new Error('bad point: x or y not field elements')
    if (!isValidXY(x, y)) throw new Error('bad point: equation left != right')
    if (!p.isTorsionFree()) throw new Error('bad point: not in prime-order subgroup')
    return true
  })
  function finishEndo(endoBeta, k1p, k2p, k1neg, k2neg) {
    k2p = new Point(Fp.mul(k2p.X, endoBeta), k2p.Y, k2p.Z)
    k1p = (0, curve_js_1.negateCt)(k1neg, k1p)
    k2p = (0, curve_js_1.negateCt)(k2neg, k2p)
    return k1p.add(k2p)
  }
  class Point {
    static BASE = new Point(CURVE.Gx, CURVE.Gy, Fp.ONE)
    static ZERO = new Point(Fp.ZERO, Fp.ONE, Fp.ZERO)
    static Fp = Fp
    static Fn = Fn
    X
    Y
    Z
    constructor(X, Y, Z) {
      this.X = acoord('x', X)
      this.Y = acoord('y', Y, true)
      this.Z = acoord('z', Z)
      Object.freeze(this)
    }
    static CURVE() {
      return CURVE
    }
    static fromAffine(p) {
      const { x, y } = p || {}
      if (!p || !Fp.isValid(x) || !Fp.isValid(y)) throw new Error('invalid affine point')
      if (p instanceof Point) throw new Error('projective point not allowed')
      if (Fp.is0(x) && Fp.is0(y)) return Point.ZERO
      return new Point(x, y, Fp.ONE)
    }
    static fromBytes(bytes) {
      const P = Point.fromAffine(decodePoint((0, utils_js_2.abytes)(bytes, undefined, 'point')))
      P.assertValidity()
      return P
    }
    static fromHex(hex) {
      return Point.fromBytes((0, utils_js_2.hexToBytes)(hex))
    }
    get x() {
      return this.toAffine().x
    }
    get y() {
      return this.toAffine().y
    }
    precompute(windowSize = 8, isLazy = true) {
      wnaf.createCache(this, windowSize)
      if (!isLazy) this.multiply(_3n)
      return this
    }
    assertValidity() {
      assertValidMemo(this)
    }
    hasEvenY() {
      const { y } = this.toAffine()
      if (!Fp.isOdd) throw new Error("Field doesn't support isOdd")
      return !Fp.isOdd(y)
    }
    equals(other) {
      aprjpoint(other)
      const { X: X1, Y: Y1, Z: Z1 } = this
      const { X: X2, Y: Y2, Z: Z2 } = other
      const U1 = Fp.eql(Fp.mul(X1, Z2), Fp.mul(X2, Z1))
      const U2 = Fp.eql(Fp.mul(Y1, Z2), Fp.mul(Y2, Z1))
      return U1 && U2
    }
    negate() {
      return new Point(this.X, Fp.neg(this.Y), this.Z)
    }
    double() {
      const { a, b } = CURVE
      const b3 = Fp.mul(b, _3n)
      const { X: X1, Y: Y1, Z: Z1 } = this
      let X3 = Fp.ZERO,
        Y3 = Fp.ZERO,
        Z3 = Fp.ZERO
      let t0 = Fp.mul(X1, X1)
      let t1 = Fp.mul(Y1, Y1)
      let t2 = Fp.mul(Z1, Z1)
      let t3 = Fp.mul(X1, Y1)
      t3 = Fp.add(t3, t3)
      Z3 = Fp.mul(X1, Z1)
      Z3 = Fp.add(Z3, Z3)
      X3 = Fp.mul(a, Z3)
      Y3 = Fp.mul(b3, t2)
      Y3 = Fp.add(X3, Y3)
      X3 = Fp.sub(t1, Y3)
      Y3 = Fp.add(t1, Y3)
      Y3 = Fp.mul(X3, Y3)
      X3 = Fp.mul(t3, X3)
      Z3 = Fp.mul(b3, Z3)
      t2 = Fp.mul(a, t2)
      t3 = Fp.sub(t0, t2)
      t3 = Fp.mul(a, t3)
      t3 = Fp.add(t3, Z3)
      Z3 = Fp.add(t0, t0)
      t0 = Fp.add(Z3, t0)
      t0 = Fp.add(t0, t2)
      t0 = Fp.mul(t0, t3)
      Y3 = Fp.add(Y3, t0)
      t2 = Fp.mul(Y1, Z1)
      t2 = Fp.add(t2, t2)
      t0 = Fp.mul(t2, t3)
      X3 = Fp.sub(X3, t0)
      Z3 = Fp.mul(t2, t1)
      Z3 = Fp.add(Z3, Z3)
      Z3 = Fp.add(Z3, Z3)
      return new Point(X3, Y3, Z3)
    }
    add(other) {
      aprjpoint(other)
      const { X: X1, Y: Y1, Z: Z1 } = this
      const { X: X2, Y: Y2, Z: Z2 } = other
      let X3 = Fp.ZERO,
        Y3 = Fp.ZERO,
        Z3 = Fp.ZERO
      const a = CURVE.a
      const b3 = Fp.mul(CURVE.b, _3n)
      let t0 = Fp.mul(X1, X2)
      let t1 = Fp.mul(Y1, Y2)
      let t2 = Fp.mul(Z1, Z2)
      let t3 = Fp.add(X1, Y1)
      let t4 = Fp.add(X2, Y2)
      t3 = Fp.mul(t3, t4)
      t4 = Fp.add(t0, t1)
      t3 = Fp.sub(t3, t4)
      t4 = Fp.add(X1, Z1)
      let t5 = Fp.add(X2, Z2)
      t4 = Fp.mul(t4, t5)
      t5 = Fp.add(t0, t2)
      t4 = Fp.sub(t4, t5)
      t5 = Fp.add(Y1, Z1)
      X3 = Fp.add(Y2, Z2)
      t5 = Fp.mul(t5, X3)
      X3 = Fp.add(t1, t2)
      t5 = Fp.sub(t5, X3)
      Z3 = Fp.mul(a, t4)
      X3 = Fp.mul(b3, t2)
      Z3 = Fp.add(X3, Z3)
      X3 = Fp.sub(t1, Z3)
      Z3 = Fp.add(t1, Z3)
      Y3 = Fp.mul(X3, Z3)
      t1 = Fp.add(t0, t0)
      t1 = Fp.add(t1, t0)
      t2 = Fp.mul(a, t2)
      t4 = Fp.mul(b3, t4)
      t1 = Fp.add(t1, t2)
      t2 = Fp.sub(t0, t2)
      t2 = Fp.mul(a, t2)
      t4 = Fp.add(t4, t2)
      t0 = Fp.mul(t1, t4)
      Y3 = Fp.add(Y3, t0)
      t0 = Fp.mul(t5, t4)
      X3 = Fp.mul(t3, X3)
      X3 = Fp.sub(X3, t0)
      t0 = Fp.mul(t3, t1)
      Z3 = Fp.mul(t5, Z3)
      Z3 = Fp.add(Z3, t0)
      return new Point(X3, Y3, Z3)
    }
    subtract(other) {
      return this.add(other.negate())
    }
    is0() {
      return this.equals(Point.ZERO)
    }
    multiply(scalar) {
      const { endo } = extraOpts
      if (!Fn.isValidNot0(scalar)) throw new Error('invalid scalar: out of range')
      let point, fake
      const mul = (n) => wnaf.cached(this, n, (p) => (0, curve_js_1.normalizeZ)(Point, p))
      if (endo) {
        const { k1neg, k1, k2neg, k2 } = splitEndoScalarN(scalar)
        const { p: k1p, f: k1f } = mul(k1)
        const { p: k2p, f: k2f } = mul(k2)
        fake = k1f.add(k2f)
        point = finishEndo(endo.beta, k1p, k2p, k1neg, k2neg)
      } else {
        const { p, f } = mul(scalar)
        point = p
        fake = f
      }
      return (0, curve_js_1.normalizeZ)(Point, [point, fake])[0]
    }
    multiplyUnsafe(sc) {
      const { endo } = extraOpts
      const p = this
      if (!Fn.isValid(sc)) throw new Error('invalid scalar: out of range')
      if (sc === _0n || p.is0()) return Point.ZERO
      if (sc === _1n) return p
      if (wnaf.hasCache(this)) return this.multiply(sc)
      if (endo) {
        const { k1neg, k1, k2neg, k2 } = splitEndoScalarN(sc)
        const { p1, p2 } = (0, curve_js_1.mulEndoUnsafe)(Point, p, k1, k2)
        return finishEndo(endo.beta, p1, p2, k1neg, k2neg)
      } else {
        return wnaf.unsafe(p, sc)
      }
    }
    toAffine(invertedZ) {
      return toAffineMemo(this, invertedZ)
    }
    isTorsionFree() {
      const { isTorsionFree } = extraOpts
      if (cofactor === _1n) return true
      if (isTorsionFree) return isTorsionFree(Point, this)
      return wnaf.unsafe(this, CURVE_ORDER).is0()
    }
    clearCofactor() {
      const { clearCofactor } = extraOpts
      if (cofactor === _1n) return this
      if (clearCofactor) return clearCofactor(Point, this)
      return this.multiplyUnsafe(cofactor)
    }
    isSmallOrder() {
      return this.multiplyUnsafe(cofactor).is0()
    }
    toBytes(isCompressed = true) {
      ;(0, utils_js_2.abool)(isCompressed, 'isCompressed')
      this.assertValidity()
      return encodePoint(Point, this, isCompressed)
    }
    toHex(isCompressed = true) {
      return (0, utils_js_2.bytesToHex)(this.toBytes(isCompressed))
    }
    toString() {
      return `<Point ${this.is0() ? 'ZERO' : this.toHex()}>`
    }
  }
  const bits = Fn.BITS
  const wnaf = new curve_js_1.wNAF(Point, extraOpts.endo ? Math.ceil(bits / 2) : bits)
  Point.BASE.precompute(8)
  return Point
}
function pprefix(hasEvenY) {
  return Uint8Array.of(hasEvenY ? 0x02 : 0x03)
}
function SWUFpSqrtRatio(Fp, Z) {
  const q = Fp.ORDER
  let l = _0n
  for (let o = q - _1n; o % _2n === _0n; o /= _2n) l += _1n
  const c1 = l
  const _2n_pow_c1_1 = _2n << (c1 - _1n - _1n)
  const _2n_pow_c1 = _2n_pow_c1_1 * _2n
  const c2 = (q - _1n) / _2n_pow_c1
  const c3 = (c2 - _1n) / _2n
  const c4 = _2n_pow_c1 - _1n
  const c5 = _2n_pow_c1_1
  const c6 = Fp.pow(Z, c2)
  const c7 = Fp.pow(Z, (c2 + _1n) / _2n)
  let sqrtRatio = (u, v) => {
    let tv1 = c6
    let tv2 = Fp.pow(v, c4)
    let tv3 = Fp.sqr(tv2)
    tv3 = Fp.mul(tv3, v)
    let tv5 = Fp.mul(u, tv3)
    tv5 = Fp.pow(tv5, c3)
    tv5 = Fp.mul(tv5, tv2)
    tv2 = Fp.mul(tv5, v)
    tv3 = Fp.mul(tv5, u)
    let tv4 = Fp.mul(tv3, tv2)
    tv5 = Fp.pow(tv4, c5)
    let isQR = Fp.eql(tv5, Fp.ONE)
    tv2 = Fp.mul(tv3, c7)
    tv5 = Fp.mul(tv4, tv1)
    tv3 = Fp.cmov(tv2, tv3, isQR)
    tv4 = Fp.cmov(tv5, tv4, isQR)
    for (let i = c1; i > _1n; i--) {
      let tv5 = i - _2n
      tv5 = _2n << (tv5 - _1n)
      let tvv5 = Fp.pow(tv4, tv5)
      const e1 = Fp.eql(tvv5, Fp.ONE)
      tv2 = Fp.mul(tv3, tv1)
      tv1 = Fp.mul(tv1, tv1)
      tvv5 = Fp.mul(tv4, tv1)
      tv3 = Fp.cmov(tv2, tv3, e1)
      tv4 = Fp.cmov(tvv5, tv4, e1)
    }
    return { isValid: isQR, value: tv3 }
  }
  if (Fp.ORDER % _4n === _3n) {
    const c1 = (Fp.ORDER - _3n) / _4n
    const c2 = Fp.sqrt(Fp.neg(Z))
    sqrtRatio = (u, v) => {
      let tv1 = Fp.sqr(v)
      const tv2 = Fp.mul(u, v)
      tv1 = Fp.mul(tv1, tv2)
      let y1 = Fp.pow(tv1, c1)
      y1 = Fp.mul(y1, tv2)
      const y2 = Fp.mul(y1, c2)
      const tv3 = Fp.mul(Fp.sqr(y1), v)
      const isQR = Fp.eql(tv3, u)
      let y = Fp.cmov(y2, y1, isQR)
      return { isValid: isQR, value: y }
    }
  }
  return sqrtRatio
}
function mapToCurveSimpleSWU(Fp, opts) {
  ;(0, modular_js_1.validateField)(Fp)
  const { A, B, Z } = opts
  if (!Fp.isValid(A) || !Fp.isValid(B) || !Fp.isValid(Z)) throw new Error('mapToCurveSimpleSWU: invalid opts')
  const sqrtRatio = SWUFpSqrtRatio(Fp, Z)
  if (!Fp.isOdd) throw new Error('Field does not have .isOdd()')
  return (u) => {
    let tv1, tv2, tv3, tv4, tv5, tv6, x, y
    tv1 = Fp.sqr(u)
    tv1 = Fp.mul(tv1, Z)
    tv2 = Fp.sqr(tv1)
    tv2 = Fp.add(tv2, tv1)
    tv3 = Fp.add(tv2, Fp.ONE)
    tv3 = Fp.mul(tv3, B)
    tv4 = Fp.cmov(Z, Fp.neg(tv2), !Fp.eql(tv2, Fp.ZERO))
    tv4 = Fp.mul(tv4, A)
    tv2 = Fp.sqr(tv3)
    tv6 = Fp.sqr(tv4)
    tv5 = Fp.mul(tv6, A)
    tv2 = Fp.add(tv2, tv5)
    tv2 = Fp.mul(tv2, tv3)
    tv6 = Fp.mul(tv6, tv4)
    tv5 = Fp.mul(tv6, B)
    tv2 = Fp.add(tv2, tv5)
    x = Fp.mul(tv1, tv3)
    const { isValid, value } = sqrtRatio(tv2, tv6)
    y = Fp.mul(tv1, u)
    y = Fp.mul(y, value)
    x = Fp.cmov(x, tv3, isValid)
    y = Fp.cmov(y, value, isValid)
    const e1 = Fp.isOdd(u) === Fp.isOdd(y)
    y = Fp.cmov(Fp.neg(y), y, e1)
    const tv4_inv = (0, modular_js_1.FpInvertBatch)(Fp, [tv4], true)[0]
    x = Fp.mul(x, tv4_inv)
    return { x, y }
  }
}
function getWLengths(Fp, Fn) {
  return {
    secretKey: Fn.BYTES,
    publicKey: 1 + Fp.BYTES,
    publicKeyUncompressed: 1 + 2 * Fp.BYTES,
    publicKeyHasPrefix: true,
    signature: 2 * Fn.BYTES,
  }
}
function ecdh(Point, ecdhOpts = {}) {
  const { Fn } = Point
  const randomBytes_ = ecdhOpts.randomBytes || utils_js_2.randomBytes
  const lengths = Object.assign(getWLengths(Point.Fp, Fn), { seed: (0, modular_js_1.getMinHashLength)(Fn.ORDER) })
  function isValidSecretKey(secretKey) {
    try {
      const num = Fn.fromBytes(secretKey)
      return Fn.isValidNot0(num)
    } catch (error) {
      return false
    }
  }
  function isValidPublicKey(publicKey, isCompressed) {
    const { publicKey: comp, publicKeyUncompressed } = lengths
    try {
      const l = publicKey.length
      if (isCompressed === true && l !== comp) return false
      if (isCompressed === false && l !== publicKeyUncompressed) return false
      return !!Point.fromBytes(publicKey)
    } catch (error) {
      return false
    }
  }
  function randomSecretKey(seed = randomBytes_(lengths.seed)) {
    return (0, modular_js_1.mapHashToField)((0, utils_js_2.abytes)(seed, lengths.seed, 'seed'), Fn.ORDER)
  }
  function getPublicKey(secretKey, isCompressed = true) {
    return Point.BASE.multiply(Fn.fromBytes(secretKey)).toBytes(isCompressed)
  }
  function isProbPub(item) {
    const { secretKey, publicKey, publicKeyUncompressed } = lengths
    if (!(0, utils_js_2.isBytes)(item)) return undefined
    if (('_lengths' in Fn && Fn._lengths) || secretKey === publicKey) return undefined
    const l = (0, utils_js_2.abytes)(item, undefined, 'key').length
    return l === publicKey || l === publicKeyUncompressed
  }
  function getSharedSecret(secretKeyA, publicKeyB, isCompressed = true) {
    if (isProbPub(secretKeyA) === true) throw new Error('first arg must be private key')
    if (isProbPub(publicKeyB) === false) throw new Error('second arg must be public key')
    const s = Fn.fromBytes(secretKeyA)
    const b = Point.fromBytes(publicKeyB)
    return b.multiply(s).toBytes(isCompressed)
  }
  const utils = {
    isValidSecretKey,
    isValidPublicKey,
    randomSecretKey,
  }
  const keygen = (0, curve_js_1.createKeygen)(randomSecretKey, getPublicKey)
  return Object.freeze({ getPublicKey, getSharedSecret, keygen, Point, utils, lengths })
}
function ecdsa(Point, hash, ecdsaOpts = {}) {
  ;(0, utils_js_1.ahash)(hash)
  ;(0, utils_js_2.validateObject)(
    ecdsaOpts,
    {},
    {
      hmac: 'function',
      lowS: 'boolean',
      randomBytes: 'function',
      bits2int: 'function',
      bits2int_modN: 'function',
    },
  )
  ecdsaOpts = Object.assign({}, ecdsaOpts)
  const randomBytes = ecdsaOpts.randomBytes || utils_js_2.randomBytes
  const hmac = ecdsaOpts.hmac || ((key, msg) => (0, hmac_js_1.hmac)(hash, key, msg))
  const { Fp, Fn } = Point
  const { ORDER: CURVE_ORDER, BITS: fnBits } = Fn
  const { keygen, getPublicKey, getSharedSecret, utils, lengths } = ecdh(Point, ecdsaOpts)
  const defaultSigOpts = {
    prehash: true,
    lowS: typeof ecdsaOpts.lowS === 'boolean' ? ecdsaOpts.lowS : true,
    format: 'compact',
    extraEntropy: false,
  }
  const hasLargeCofactor = CURVE_ORDER * _2n < Fp.ORDER
  function isBiggerThanHalfOrder(number) {
    const HALF = CURVE_ORDER >> _1n
    return number > HALF
  }
  function validateRS(title, num) {
    if (!Fn.isValidNot0(num)) throw new Error(`invalid signature ${title}: out of range 1..Point.Fn.ORDER`)
    return num
  }
  function assertSmallCofactor() {
    if (hasLargeCofactor) throw new Error('"recovered" sig type is not supported for cofactor >2 curves')
  }
  function validateSigLength(bytes, format) {
    validateSigFormat(format)
    const size = lengths.signature
    const sizer = format === 'compact' ? size : format === 'recovered' ? size + 1 : undefined
    return (0, utils_js_2.abytes)(bytes, sizer)
  }
  class Signature {
    r
    s
    recovery
    constructor(r, s, recovery) {
      this.r = validateRS('r', r)
      this.s = validateRS('s', s)
      if (recovery != null) {
        assertSmallCofactor()
        if (![0, 1, 2, 3].includes(recovery)) throw new Error('invalid recovery id')
        this.recovery = recovery
      }
      Object.freeze(this)
    }
    static fromBytes(bytes, format = defaultSigOpts.format) {
      validateSigLength(bytes, format)
      let recid
      if (format === 'der') {
        const { r, s } = exports.DER.toSig((0, utils_js_2.abytes)(bytes))
        return new Signature(r, s)
      }
      if (format === 'recovered') {
        recid = bytes[0]
        format = 'compact'
        bytes = bytes.subarray(1)
      }
      const L = lengths.signature / 2
      const r = bytes.subarray(0, L)
      const s = bytes.subarray(L, L * 2)
      return new Signature(Fn.fromBytes(r), Fn.fromBytes(s), recid)
    }
    static fromHex(hex, format) {
      return this.fromBytes((0, utils_js_2.hexToBytes)(hex), format)
    }
    assertRecovery() {
      const { recovery } = this
      if (recovery == null) throw new Error('invalid recovery id: must be present')
      return recovery
    }
    addRecoveryBit(recovery) {
      return new Signature(this.r, this.s, recovery)
    }
    recoverPublicKey(messageHash) {
      const { r, s } = this
      const recovery = this.assertRecovery()
      const radj = recovery === 2 || recovery === 3 ? r + CURVE_ORDER : r
      if (!Fp.isValid(radj)) throw new Error('invalid recovery id: sig.r+curve.n != R.x')
      const x = Fp.toBytes(radj)
      const R = Point.fromBytes((0, utils_js_2.concatBytes)(pprefix((recovery & 1) === 0), x))
      const ir = Fn.inv(radj)
      const h = bits2int_modN((0, utils_js_2.abytes)(messageHash, undefined, 'msgHash'))
      const u1 = Fn.create(-h * ir)
      const u2 = Fn.create(s * ir)
      const Q = Point.BASE.multiplyUnsafe(u1).add(R.multiplyUnsafe(u2))
      if (Q.is0()) throw new Error('invalid recovery: point at infinify')
      Q.assertValidity()
      return Q
    }
    hasHighS() {
      return isBiggerThanHalfOrder(this.s)
    }
    toBytes(format = defaultSigOpts.format) {
      validateSigFormat(format)
      if (format === 'der') return (0, utils_js_2.hexToBytes)(exports.DER.hexFromSig(this))
      const { r, s } = this
      const rb = Fn.toBytes(r)
      const sb = Fn.toBytes(s)
      if (format === 'recovered') {
        assertSmallCofactor()
        return (0, utils_js_2.concatBytes)(Uint8Array.of(this.assertRecovery()), rb, sb)
      }
      return (0, utils_js_2.concatBytes)(rb, sb)
    }
    toHex(format) {
      return (0, utils_js_2.bytesToHex)(this.toBytes(format))
    }
  }
  const bits2int =
    ecdsaOpts.bits2int ||
    function bits2int_def(bytes) {
      if (bytes.length > 8192) throw new Error('input is too large')
      const num = (0, utils_js_2.bytesToNumberBE)(bytes)
      const delta = bytes.length * 8 - fnBits
      return delta > 0 ? num >> BigInt(delta) : num
    }
  const bits2int_modN =
    ecdsaOpts.bits2int_modN ||
    function bits2int_modN_def(bytes) {
      return Fn.create(bits2int(bytes))
    }
  const ORDER_MASK = (0, utils_js_2.bitMask)(fnBits)
  function int2octets(num) {
    ;(0, utils_js_2.aInRange)('num < 2^' + fnBits, num, _0n, ORDER_MASK)
    return Fn.toBytes(num)
  }
  function validateMsgAndHash(message, prehash) {
    ;(0, utils_js_2.abytes)(message, undefined, 'message')
    return prehash ? (0, utils_js_2.abytes)(hash(message), undefined, 'prehashed message') : message
  }
  function prepSig(message, secretKey, opts) {
    const { lowS, prehash, extraEntropy } = validateSigOpts(opts, defaultSigOpts)
    message = validateMsgAndHash(message, prehash)
    const h1int = bits2int_modN(message)
    const d = Fn.fromBytes(secretKey)
    if (!Fn.isValidNot0(d)) throw new Error('invalid private key')
    const seedArgs = [int2octets(d), int2octets(h1int)]
    if (extraEntropy != null && extraEntropy !== false) {
      const e = extraEntropy === true ? randomBytes(lengths.secretKey) : extraEntropy
      seedArgs.push((0, utils_js_2.abytes)(e, undefined, 'extraEntropy'))
    }
    const seed = (0, utils_js_2.concatBytes)(...seedArgs)
    const m = h1int
    function k2sig(kBytes) {
      const k = bits2int(kBytes)
      if (!Fn.isValidNot0(k)) return
      const ik = Fn.inv(k)
      const q = Point.BASE.multiply(k).toAffine()
      const r = Fn.create(q.x)
      if (r === _0n) return
      const s = Fn.create(ik * Fn.create(m + r * d))
      if (s === _0n) return
      let recovery = (q.x === r ? 0 : 2) | Number(q.y & _1n)
      let normS = s
      if (lowS && isBiggerThanHalfOrder(s)) {
        normS = Fn.neg(s)
        recovery ^= 1
      }
      return new Signature(r, normS, hasLargeCofactor ? undefined : recovery)
    }
    return { seed, k2sig }
  }
  function sign(message, secretKey, opts = {}) {
    const { seed, k2sig } = prepSig(message, secretKey, opts)
    const drbg = (0, utils_js_2.createHmacDrbg)(hash.outputLen, Fn.BYTES, hmac)
    const sig = drbg(seed, k2sig)
    return sig.toBytes(opts.format)
  }
  function verify(signature, message, publicKey, opts = {}) {
    const { lowS, prehash, format } = validateSigOpts(opts, defaultSigOpts)
    publicKey = (0, utils_js_2.abytes)(publicKey, undefined, 'publicKey')
    message = validateMsgAndHash(message, prehash)
    if (!(0, utils_js_2.isBytes)(signature)) {
      const end = signature instanceof Signature ? ', use sig.toBytes()' : ''
      throw new Error('verify expects Uint8Array signature' + end)
    }
    validateSigLength(signature, format)
    try {
      const sig = Signature.fromBytes(signature, format)
      const P = Point.fromBytes(publicKey)
      if (lowS && sig.hasHighS()) return false
      const { r, s } = sig
      const h = bits2int_modN(message)
      const is = Fn.inv(s)
      const u1 = Fn.create(h * is)
      const u2 = Fn.create(r * is)
      const R = Point.BASE.multiplyUnsafe(u1).add(P.multiplyUnsafe(u2))
      if (R.is0()) return false
      const v = Fn.create(R.x)
      return v === r
    } catch (e) {
      return false
    }
  }
  function recoverPublicKey(signature, message, opts = {}) {
    const { prehash } = validateSigOpts(opts, defaultSigOpts)
    message = validateMsgAndHash(message, prehash)
    return Signature.fromBytes(signature, 'recovered').recoverPublicKey(message).toBytes()
  }
  return Object.freeze({
    keygen,
    getPublicKey,
    getSharedSecret,
    utils,
    lengths,
    Point,
    sign,
    verify,
    recoverPublicKey,
    Signature,
    hash,
  })
}
