'use strict'
Object.defineProperty(exports, '__esModule', { value: true })
exports.DERErr = exports.DER = void 0
exports._splitEndoScalar = _splitEndoScalar
exports.weierstrass = weierstrass
exports.ecdh = ecdh
exports.ecdsa = ecdsa
const hmac_js_1 = require('@noble/hashes/hmac.js')
const utils_js_1 = require('@noble/hashes/utils.js')
const utils_js_2 = require('../utils.js')
const curve_js_1 = require('./curve.js')
const der_js_1 = require('./der.js')
const modular_js_1 = require('./modular.js')
var der_js_2 = require('./der.js')
Object.defineProperty(exports, 'DER', {
  enumerable: true,
  get: function () {
    return der_js_2.DER
  },
})
Object.defineProperty(exports, 'DERErr', {
  enumerable: true,
  get: function () {
    return der_js_2.DERErr
  },
})
const divNearest = (num, den) => (num + (num >= 0 ? den : -den) / _2n) / den
function _splitEndoScalar(k, basis, n) {
  ;(0, utils_js_2.aInRange)('scalar', k, _0n, n)
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
    throw new Error('splitScalar (endomorphism): failed for k')
  }
  return { k1neg, k1, k2neg, k2 }
}
function validateSigFormat(format) {
  if (!['compact', 'recovered', 'der'].includes(format))
    throw new Error('Signature format must be "compact", "recovered", or "der"')
  return format
}
function validateSigOpts(opts, def) {
  ;(0, utils_js_2.validateObject)(opts)
  const optsn = {}
  for (let optName of Object.keys(def)) {
    optsn[optName] = opts[optName] === undefined ? def[optName] : opts[optName]
  }
  ;(0, utils_js_2.abool)(optsn.lowS, 'lowS')
  ;(0, utils_js_2.abool)(optsn.prehash, 'prehash')
  if (optsn.format !== undefined) validateSigFormat(optsn.format)
  return optsn
}
const _0n = BigInt(0),
  _1n = BigInt(1),
  _2n = BigInt(2),
  _3n = BigInt(3),
  _4n = BigInt(4)
function weierstrass(params, extraOpts = {}) {
  const validated = (0, curve_js_1.createCurveFields)('weierstrass', params, extraOpts)
  const Fp = validated.Fp
  const Fn = validated.Fn
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
      randomBytes: 'function',
    },
  )
  const { endo: endoOpts, allowInfinityPoint, clearCofactor, isTorsionFree, fromBytes, toBytes } = extraOpts
  const randomBytes = extraOpts.randomBytes === undefined ? utils_js_2.randomBytes : extraOpts.randomBytes
  if (endoOpts) {
    if (!Fp.is0(CURVE.a) || typeof endoOpts.beta !== 'bigint' || !Array.isArray(endoOpts.basises)) {
      throw new Error('invalid endo: expected "beta": bigint and "basises": array')
    }
  }
  const endo = endoOpts
    ? {
        beta: endoOpts.beta,
        basises: endoOpts.basises.map((basis) => [...basis]),
      }
    : undefined
  const lengths = getWLengths(Fp, Fn)
  function assertCompressionIsSupported() {
    if (!Fp.isOdd) throw new Error('compression is not supported: Field does not have .isOdd()')
  }
  function pointToBytes(_c, point, isCompressed) {
    if (point.is0()) {
      if (!allowInfinityPoint) throw new Error('bad point: ZERO')
      return Uint8Array.of(0)
    }
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
    if (allowInfinityPoint && length === 1 && head === 0x00) return { x: Fp.ZERO, y: Fp.ZERO }
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
  const encodePoint = toBytes === undefined ? pointToBytes : toBytes
  const decodePoint = fromBytes === undefined ? pointFromBytes : fromBytes
  const b3 = Fp.mul(CURVE.b, _3n)
  const mulA = Fp.is0(CURVE.a) ? (_) => Fp.ZERO : (x) => Fp.mul(CURVE.a, x)
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
    return typeof n === 'object' && n !== null ? Fp.create(n) : n
  }
  function aprjpoint(other) {
    if (!(other instanceof Point)) throw new Error('Weierstrass Point expected')
  }
  function splitEndoScalarN(k) {
    if (!endo || !endo.basises) throw new Error('no endo')
    return _splitEndoScalar(k, endo.basises, Fn.ORDER)
  }
  function pushWnafPair(points, scalars, p, k) {
    if (!Fn.isValid(k)) throw new RangeError('invalid scalar: out of range')
    if (endo) {
      const { k1neg, k1, k2neg, k2 } = splitEndoScalarN(k)
      const psi = new Point(Fp.mul(p.X, endo.beta), p.Y, p.Z)
      points.push(k1neg ? p.negate() : p, k2neg ? psi.negate() : psi)
      scalars.push(k1, k2)
    } else {
      points.push(p)
      scalars.push(k)
    }
  }
  const validityCache = new WeakSet()
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
    precompute(windowSize = 6, isLazy = true) {
      wnaf.setWindowSize(this, windowSize)
      if (!isLazy) this.multiply(_3n)
      return this
    }
    assertValidity() {
      const p = this
      if (p.is0()) {
        if (allowInfinityPoint && Fp.is0(p.X) && Fp.eql(p.Y, Fp.ONE) && Fp.is0(p.Z)) return
        throw new Error('bad point: ZERO')
      }
      if (validityCache.has(p)) return
      const { x, y } = p.toAffine()
      if (!Fp.isValid(x) || !Fp.isValid(y)) throw new Error('bad point: x or y not field elements')
      if (!isValidXY(x, y)) throw new Error('bad point: equation left != right')
      if (!p.isTorsionFree()) throw new Error('bad point: not in prime-order subgroup')
      validityCache.add(p)
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
      X3 = mulA(Z3)
      Y3 = Fp.mul(b3, t2)
      Y3 = Fp.add(X3, Y3)
      X3 = Fp.sub(t1, Y3)
      Y3 = Fp.add(t1, Y3)
      Y3 = Fp.mul(X3, Y3)
      X3 = Fp.mul(t3, X3)
      Z3 = Fp.mul(b3, Z3)
      t2 = mulA(t2)
      t3 = Fp.sub(t0, t2)
      t3 = mulA(t3)
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
      Z3 = mulA(t4)
      X3 = Fp.mul(b3, t2)
      Z3 = Fp.add(X3, Z3)
      X3 = Fp.sub(t1, Z3)
      Z3 = Fp.add(t1, Z3)
      Y3 = Fp.mul(X3, Z3)
      t1 = Fp.add(t0, t0)
      t1 = Fp.add(t1, t0)
      t2 = mulA(t2)
      t4 = Fp.mul(b3, t4)
      t1 = Fp.add(t1, t2)
      t2 = Fp.sub(t0, t2)
      t2 = mulA(t2)
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
      aprjpoint(other)
      return this.add(other.negate())
    }
    is0() {
      return this.equals(Point.ZERO)
    }
    multiply(scalar) {
      if (!Fn.isValidNot0(scalar)) throw new RangeError('invalid scalar: out of range')
      const { p, f } = wnaf.mulSecret(this, scalar, cofactor, normalize)
      return normalize([p, f])[0]
    }
    multiplyUnsafe(scalar) {
      const p = this
      const sc = scalar
      if (!Fn.isValid(sc)) throw new RangeError('invalid scalar: out of range')
      if (sc === _0n || p.is0()) return Point.ZERO
      if (sc === _1n) return p
      if (wnaf.hasWindowSize(this)) return wnaf.mulUnsafe(p, sc, normalize)
      const points = []
      const scalars = []
      pushWnafPair(points, scalars, p, sc)
      return (0, curve_js_1.mulAddUnsafe)(Point, points, scalars)
    }
    mulAddUnsafe(a, other, b) {
      aprjpoint(other)
      const points = []
      const scalars = []
      pushWnafPair(points, scalars, this, a)
      pushWnafPair(points, scalars, other, b)
      return (0, curve_js_1.mulAddUnsafe)(Point, points, scalars)
    }
    toAffine(invertedZ) {
      const p = this
      let iz = invertedZ
      if (iz != null && !Fp.isValid(iz)) throw new RangeError('"invertedZ" expected valid field element')
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
    }
    isTorsionFree() {
      if (cofactor === _1n) return true
      if (isTorsionFree) return isTorsionFree(Point, this)
      return wnaf.mulUnsafe(this, CURVE_ORDER).is0()
    }
    clearCofactor() {
      if (cofactor === _1n) return this
      if (clearCofactor) return clearCofactor(Point, this)
      return this.multiplyUnsafe(cofactor)
    }
    isSmallOrder() {
      if (cofactor === _1n) return this.is0()
      return this.clearCofactor().is0()
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
  const normalize = (points) => (0, curve_js_1.normalizeZ)(Point, points)
  const wnaf = new curve_js_1.ScalarMultiplier(Point, randomBytes)
  if (wnaf.bits >= 6) Point.BASE.precompute(6)
  Object.freeze(Point.prototype)
  Object.freeze(Point)
  return Point
}
function pprefix(hasEvenY) {
  return Uint8Array.of(hasEvenY ? 0x02 : 0x03)
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
  ;(0, curve_js_1.validatePointCons)(Point)
  const { Fn } = Point
  const randomBytes_ = ecdhOpts.randomBytes === undefined ? utils_js_2.randomBytes : ecdhOpts.randomBytes
  const lengths = Object.assign(getWLengths(Point.Fp, Fn), {
    seed: Math.max((0, modular_js_1.getMinHashLength)(Fn.ORDER), 16),
  })
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
      return !Point.fromBytes(publicKey).is0()
    } catch (error) {
      return false
    }
  }
  function randomSecretKey(seed) {
    seed = seed === undefined ? randomBytes_(lengths.seed) : seed
    return (0, modular_js_1.mapHashToField)((0, utils_js_2.abytes)(seed, lengths.seed, 'seed'), Fn.ORDER)
  }
  function getPublicKey(secretKey, isCompressed = true) {
    return Point.BASE.multiply(Fn.fromBytes(secretKey)).toBytes(isCompressed)
  }
  function isProbPub(item) {
    const { secretKey, publicKey, publicKeyUncompressed } = lengths
    const allowedLengths = Fn._lengths
    if (!(0, utils_js_2.isBytes)(item)) return undefined
    const l = (0, utils_js_2.abytes)(item, undefined, 'key').length
    const isPub = l === publicKey || l === publicKeyUncompressed
    const isSec = l === secretKey || !!allowedLengths?.includes(l)
    if (isPub && isSec) return undefined
    return isPub
  }
  function getSharedSecret(secretKeyA, publicKeyB, isCompressed = true) {
    if (isProbPub(secretKeyA) === true) throw new Error('first arg must be private key')
    if (isProbPub(publicKeyB) === false) throw new Error('second arg must be public key')
    const s = Fn.fromBytes(secretKeyA)
    const b = Point.fromBytes(publicKeyB)
    if (b.is0()) throw new Error('invalid public key: point at infinity')
    return b.multiply(s).toBytes(isCompressed)
  }
  const utils = {
    isValidSecretKey,
    isValidPublicKey,
    randomSecretKey,
  }
  const keygen = (0, curve_js_1.createKeygen)(randomSecretKey, getPublicKey)
  Object.freeze(utils)
  Object.freeze(lengths)
  return Object.freeze({ getPublicKey, getSharedSecret, keygen, Point, utils, lengths })
}
function ecdsa(Point, hash, ecdsaOpts = {}) {
  ;(0, curve_js_1.validatePointCons)(Point)
  const hash_ = hash
  ;(0, utils_js_1.ahash)(hash_)
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
  const opts = Object.assign({}, ecdsaOpts)
  const randomBytes = opts.randomBytes === undefined ? utils_js_2.randomBytes : opts.randomBytes
  const hmac = opts.hmac === undefined ? (key, msg) => (0, hmac_js_1.hmac)(hash_, key, msg) : opts.hmac
  const { Fp, Fn } = Point
  const { ORDER: CURVE_ORDER, BITS: fnBits } = Fn
  const blindLength = (0, modular_js_1.getMinHashLength)(CURVE_ORDER)
  const csprng = (0, curve_js_1.probeRandomBytes)(randomBytes, blindLength)
  const { keygen, getPublicKey, getSharedSecret, utils, lengths } = ecdh(Point, opts)
  const defaultSigOpts = {
    prehash: true,
    lowS: typeof opts.lowS === 'boolean' ? opts.lowS : true,
    format: 'compact',
    extraEntropy: false,
  }
  const hasLargeRecoveryLifts = CURVE_ORDER * _2n + _1n < Fp.ORDER
  function isBiggerThanHalfOrder(number) {
    const HALF = CURVE_ORDER >> _1n
    return number > HALF
  }
  function validateRS(title, num) {
    if (!Fn.isValidNot0(num)) throw new Error(`invalid signature ${title}: out of range 1..Point.Fn.ORDER`)
    return num
  }
  function assertFieldSignIsSupported() {
    if (!Fp.isOdd) throw new Error("Field doesn't support isOdd")
  }
  function getRecoveryBit(x, y, r) {
    assertFieldSignIsSupported()
    return (x === r ? 0 : 2) | Number(Fp.isOdd(y))
  }
  function assertRecoverableCurve() {
    if (hasLargeRecoveryLifts) throw new Error('"recovered" sig type is not supported for cofactor >2 curves')
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
        assertRecoverableCurve()
        if (![0, 1, 2, 3].includes(recovery)) throw new Error('invalid recovery id')
        this.recovery = recovery
      }
      Object.freeze(this)
    }
    static fromBytes(bytes, format = defaultSigOpts.format) {
      validateSigLength(bytes, format)
      let recid
      if (format === 'der') {
        if (bytes.length > 2 * Fn.BYTES + 16) throw new der_js_1.DER.Err('invalid signature: DER signature too long')
        const { r, s } = der_js_1.DER.toSig((0, utils_js_2.abytes)(bytes), Fn.BYTES + 1)
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
      const Q = Point.BASE.mulAddUnsafe(u1, R, u2)
      if (Q.is0()) throw new Error('invalid recovery: point at infinify')
      Q.assertValidity()
      return Q
    }
    hasHighS() {
      return isBiggerThanHalfOrder(this.s)
    }
    toBytes(format = defaultSigOpts.format) {
      validateSigFormat(format)
      if (format === 'der') return (0, utils_js_2.hexToBytes)(der_js_1.DER.hexFromSig(this))
      const { r, s } = this
      const rb = Fn.toBytes(r)
      const sb = Fn.toBytes(s)
      if (format === 'recovered') {
        assertRecoverableCurve()
        return (0, utils_js_2.concatBytes)(Uint8Array.of(this.assertRecovery()), rb, sb)
      }
      return (0, utils_js_2.concatBytes)(rb, sb)
    }
    toHex(format) {
      return (0, utils_js_2.bytesToHex)(this.toBytes(format))
    }
  }
  Object.freeze(Signature.prototype)
  Object.freeze(Signature)
  const bits2int =
    opts.bits2int === undefined
      ? function bits2int_def(bytes) {
          if (bytes.length > 8192) throw new Error('input is too large')
          const num = (0, utils_js_2.bytesToNumberBE)(bytes)
          const delta = bytes.length * 8 - fnBits
          return delta > 0 ? num >> BigInt(delta) : num
        }
      : opts.bits2int
  const bits2int_modN =
    opts.bits2int_modN === undefined
      ? function bits2int_modN_def(bytes) {
          return Fn.create(bits2int(bytes))
        }
      : opts.bits2int_modN
  const ORDER_MASK = (0, utils_js_2.bitMask)(fnBits)
  function int2octets(num) {
    ;(0, utils_js_2.aInRange)('num < 2^' + fnBits, num, _0n, ORDER_MASK)
    return Fn.toBytes(num)
  }
  function validateMsgAndHash(message, prehash) {
    ;(0, utils_js_2.abytes)(message, undefined, 'message')
    return prehash ? (0, utils_js_2.abytes)(hash_(message), undefined, 'prehashed message') : message
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
      const q = Point.BASE.multiply(k).toAffine()
      const r = Fn.create(q.x)
      if (r === _0n) return
      let s
      if (csprng !== undefined) {
        const b = (0, utils_js_2.bytesToNumberBE)((0, modular_js_1.mapHashToField)(csprng(blindLength), CURVE_ORDER))
        const ibk = Fn.inv(Fn.mul(b, k))
        const bm = Fn.mul(b, m)
        const bd = Fn.mul(b, d)
        s = Fn.create(ibk * Fn.create(bm + bd * r))
      } else {
        const ik = (0, modular_js_1.invertCt)(k, CURVE_ORDER)
        s = Fn.create(ik * Fn.create(m + r * d))
      }
      if (s === _0n) return
      let recovery = getRecoveryBit(q.x, q.y, r)
      let normS = s
      if (lowS && isBiggerThanHalfOrder(s)) {
        normS = Fn.neg(s)
        recovery ^= 1
      }
      return new Signature(r, normS, hasLargeRecoveryLifts ? undefined : recovery)
    }
    return { seed, k2sig }
  }
  function sign(message, secretKey, opts = {}) {
    const { seed, k2sig } = prepSig(message, secretKey, opts)
    const drbg = (0, utils_js_2.createHmacDrbg)(hash_.outputLen, Fn.BYTES, hmac)
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
      if (P.is0()) return false
      if (lowS && sig.hasHighS()) return false
      const { r, s } = sig
      const h = bits2int_modN(message)
      const is = Fn.inv(s)
      const u1 = Fn.create(h * is)
      const u2 = Fn.create(r * is)
      const R = Point.BASE.mulAddUnsafe(u1, P, u2)
      if (R.is0()) return false
      const q = R.toAffine()
      const v = Fn.create(q.x)
      if (v !== r) return false
      if (format === 'recovered' && sig.recovery !== getRecoveryBit(q.x, q.y, r)) return false
      return true
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
    hash: hash_,
  })
}
