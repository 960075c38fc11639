'use strict'
Object.defineProperty(exports, '__esModule', { value: true })
exports.PrimeEdwardsPoint = void 0
exports.edwards = edwards
exports.eddsa = eddsa
const utils_js_1 = require('../utils.js')
const curve_js_1 = require('./curve.js')
const modular_js_1 = require('./modular.js')
const _0n = BigInt(0),
  _1n = BigInt(1),
  _2n = BigInt(2),
  _4n = BigInt(4),
  _8n = BigInt(8)
function isEdValidXY(Fp, CURVE, x, y) {
  const x2 = Fp.sqr(x)
  const y2 = Fp.sqr(y)
  const left = Fp.add(Fp.mul(CURVE.a, x2), y2)
  const right = Fp.add(Fp.ONE, Fp.mul(CURVE.d, Fp.mul(x2, y2)))
  return Fp.eql(left, right)
}
function edwards(params, extraOpts = {}) {
  ;(0, utils_js_1.validateObject)(extraOpts, {}, {}, 'extraOpts')
  const opts = extraOpts
  const validated = (0, curve_js_1.createCurveFields)('edwards', params, opts, opts.FpFnLE)
  const { Fp, Fn } = validated
  let CURVE = validated.CURVE
  const { h: cofactor } = CURVE
  if ((0, modular_js_1.FpLegendre)(Fp, CURVE.a) !== 1)
    throw new Error('edwards: CURVE.a must be a square in Fp for complete addition formulas')
  if ((0, modular_js_1.FpLegendre)(Fp, CURVE.d) !== -1)
    throw new Error('edwards: CURVE.d must be a non-square in Fp for complete addition formulas')
  ;(0, utils_js_1.validateObject)(opts, {}, { uvRatio: 'function', randomBytes: 'function' })
  const randomBytes = opts.randomBytes === undefined ? utils_js_1.randomBytes : opts.randomBytes
  const MASK = _2n << (BigInt(Fp.BYTES * 8) - _1n)
  function isOdd(n) {
    if (!Fp.isOdd) throw new Error('Field does not have .isOdd()')
    return Fp.isOdd(n)
  }
  const uvRatio =
    opts.uvRatio === undefined
      ? (u, v) => {
          try {
            return { isValid: true, value: Fp.sqrt(Fp.div(u, v)) }
          } catch (e) {
            return { isValid: false, value: _0n }
          }
        }
      : opts.uvRatio
  if (!isEdValidXY(Fp, CURVE, CURVE.Gx, CURVE.Gy)) throw new Error('bad curve params: generator point')
  const mulA = Fp.eql(CURVE.a, Fp.neg(Fp.ONE))
    ? (x) => Fp.neg(x)
    : Fp.eql(CURVE.a, Fp.ONE)
      ? (x) => x
      : (x) => Fp.mul(CURVE.a, x)
  function acoord(title, n, banZero = false) {
    const min = banZero ? _1n : _0n
    ;(0, utils_js_1.aInRange)('coordinate ' + title, n, min, MASK)
    return n
  }
  function aedpoint(other) {
    if (!(other instanceof Point)) throw new Error('EdwardsPoint expected')
  }
  class Point {
    static BASE = new Point(CURVE.Gx, CURVE.Gy, Fp.ONE, Fp.mul(CURVE.Gx, CURVE.Gy))
    static ZERO = new Point(Fp.ZERO, Fp.ONE, Fp.ONE, Fp.ZERO)
    static Fp = Fp
    static Fn = Fn
    X
    Y
    Z
    T
    constructor(X, Y, Z, T) {
      this.X = acoord('x', X)
      this.Y = acoord('y', Y)
      this.Z = acoord('z', Z, true)
      this.T = acoord('t', T)
      Object.freeze(this)
    }
    static CURVE() {
      return CURVE
    }
    static fromAffine(p) {
      if (p instanceof Point) throw new Error('extended point not allowed')
      const { x, y } = p || {}
      acoord('x', x)
      acoord('y', y)
      return new Point(x, y, Fp.ONE, Fp.mul(x, y))
    }
    static fromBytes(bytes, zip215 = false) {
      const len = Fp.BYTES
      const { a, d } = CURVE
      bytes = (0, utils_js_1.copyBytes)((0, utils_js_1.abytes)(bytes, len, 'point'))
      ;(0, utils_js_1.abool)(zip215, 'zip215')
      const normed = (0, utils_js_1.copyBytes)(bytes)
      const lastByte = bytes[len - 1]
      normed[len - 1] = lastByte & ~0x80
      const y = (0, utils_js_1.bytesToNumberLE)(normed)
      const max = zip215 ? MASK : Fp.ORDER
      ;(0, utils_js_1.aInRange)('point.y', y, _0n, max)
      const y2 = Fp.sqr(y)
      const u = Fp.sub(y2, Fp.ONE)
      const v = Fp.sub(Fp.mulN(d, y2), a)
      let { isValid, value: x } = uvRatio(u, v)
      if (!isValid) throw new Error('bad point: invalid y coordinate')
      const isXOdd = isOdd(x)
      const isLastByteOdd = (lastByte & 0x80) !== 0
      if (!zip215 && Fp.is0(x) && isLastByteOdd) throw new Error('bad point: x=0 and x_0=1')
      if (isLastByteOdd !== isXOdd) x = Fp.neg(x)
      return Point.fromAffine({ x, y })
    }
    static fromHex(hex, zip215 = false) {
      return Point.fromBytes((0, utils_js_1.hexToBytes)(hex), zip215)
    }
    get x() {
      return this.toAffine().x
    }
    get y() {
      return this.toAffine().y
    }
    precompute(windowSize = 6, isLazy = true) {
      wnaf.setWindowSize(this, windowSize)
      if (!isLazy) this.multiply(_2n)
      return this
    }
    assertValidity() {
      const p = this
      const { a, d } = CURVE
      if (p.is0()) throw new Error('bad point: ZERO')
      const { X, Y, Z, T } = p
      const X2 = Fp.sqr(X)
      const Y2 = Fp.sqr(Y)
      const Z2 = Fp.sqr(Z)
      const Z4 = Fp.sqr(Z2)
      const aX2 = Fp.mul(X2, a)
      const left = Fp.mul(Fp.add(aX2, Y2), Z2)
      const right = Fp.add(Z4, Fp.mul(d, Fp.mul(X2, Y2)))
      if (!Fp.eql(left, right)) throw new Error('bad point: equation left != right (1)')
      const XY = Fp.mul(X, Y)
      const ZT = Fp.mul(Z, T)
      if (!Fp.eql(XY, ZT)) throw new Error('bad point: equation left != right (2)')
    }
    equals(other) {
      aedpoint(other)
      const { X: X1, Y: Y1, Z: Z1 } = this
      const { X: X2, Y: Y2, Z: Z2 } = other
      const X1Z2 = Fp.mul(X1, Z2)
      const X2Z1 = Fp.mul(X2, Z1)
      const Y1Z2 = Fp.mul(Y1, Z2)
      const Y2Z1 = Fp.mul(Y2, Z1)
      return Fp.eql(X1Z2, X2Z1) && Fp.eql(Y1Z2, Y2Z1)
    }
    is0() {
      return this.equals(Point.ZERO)
    }
    negate() {
      return new Point(Fp.neg(this.X), this.Y, this.Z, Fp.neg(this.T))
    }
    double() {
      const { X: X1, Y: Y1, Z: Z1 } = this
      const A = Fp.sqr(X1)
      const B = Fp.sqr(Y1)
      const C = Fp.mul(Fp.sqr(Z1), _2n)
      const D = mulA(A)
      const x1y1 = Fp.addN(X1, Y1)
      const E = Fp.sub(Fp.subN(Fp.sqr(x1y1), A), B)
      const G = Fp.addN(D, B)
      const F = Fp.subN(G, C)
      const H = Fp.subN(D, B)
      const X3 = Fp.mul(E, F)
      const Y3 = Fp.mul(G, H)
      const T3 = Fp.mul(E, H)
      const Z3 = Fp.mul(F, G)
      return new Point(X3, Y3, Z3, T3)
    }
    add(other) {
      aedpoint(other)
      const { d } = CURVE
      const { X: X1, Y: Y1, Z: Z1, T: T1 } = this
      const { X: X2, Y: Y2, Z: Z2, T: T2 } = other
      const A = Fp.mul(X1, X2)
      const B = Fp.mul(Y1, Y2)
      const C = Fp.mul(Fp.mulN(T1, d), T2)
      const D = Fp.mul(Z1, Z2)
      const E = Fp.sub(Fp.subN(Fp.mulN(Fp.addN(X1, Y1), Fp.addN(X2, Y2)), A), B)
      const F = Fp.subN(D, C)
      const G = Fp.addN(D, C)
      const H = Fp.sub(B, mulA(A))
      const X3 = Fp.mul(E, F)
      const Y3 = Fp.mul(G, H)
      const T3 = Fp.mul(E, H)
      const Z3 = Fp.mul(F, G)
      return new Point(X3, Y3, Z3, T3)
    }
    subtract(other) {
      aedpoint(other)
      return this.add(other.negate())
    }
    multiply(scalar) {
      if (!Fn.isValidNot0(scalar)) throw new RangeError('invalid scalar: expected 1 <= sc < curve.n')
      const { p, f } = wnaf.mulSecret(this, scalar, cofactor, normalize)
      return normalize([p, f])[0]
    }
    multiplyUnsafe(scalar) {
      if (!Fn.isValid(scalar)) throw new RangeError('invalid scalar: expected 0 <= sc < curve.n')
      if (scalar === _0n) return Point.ZERO
      if (this.is0() || scalar === _1n) return this
      return wnaf.mulUnsafe(this, scalar, normalize)
    }
    isSmallOrder() {
      return this.clearCofactor().is0()
    }
    isTorsionFree() {
      return wnaf.mulUnsafe(this, CURVE.n).is0()
    }
    toAffine(invertedZ) {
      const p = this
      let iz = invertedZ
      if (iz != null && typeof iz !== 'bigint')
        throw new TypeError('"invertedZ" expected bigint, got type=' + typeof iz)
      const { X, Y, Z } = p
      const is0 = p.is0()
      if (iz == null) iz = is0 ? Fp.create(_8n) : Fp.inv(Z)
      const x = Fp.mul(X, iz)
      const y = Fp.mul(Y, iz)
      const zz = Fp.mul(Z, iz)
      if (is0) return { x: Fp.ZERO, y: Fp.ONE }
      if (!Fp.eql(zz, Fp.ONE)) throw new Error('invZ was invalid')
      return { x, y }
    }
    clearCofactor() {
      if (cofactor === _1n) return this
      if (cofactor === _2n) return this.double()
      if (cofactor === _4n) return this.double().double()
      if (cofactor === _8n) return this.double().double().double()
      return this.multiplyUnsafe(cofactor)
    }
    toBytes() {
      const { x, y } = this.toAffine()
      const bytes = Fp.toBytes(y)
      bytes[bytes.length - 1] |= isOdd(x) ? 0x80 : 0
      return bytes
    }
    toHex() {
      return (0, utils_js_1.bytesToHex)(this.toBytes())
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
class PrimeEdwardsPoint {
  static BASE
  static ZERO
  static Fp
  static Fn
  ep
  constructor(ep) {
    this.ep = ep
  }
  static fromBytes(_bytes) {
    ;(0, utils_js_1.notImplemented)()
  }
  static fromHex(_hex) {
    ;(0, utils_js_1.notImplemented)()
  }
  get x() {
    return this.toAffine().x
  }
  get y() {
    return this.toAffine().y
  }
  clearCofactor() {
    return this
  }
  assertValidity() {
    this.ep.assertValidity()
  }
  toAffine(invertedZ) {
    return this.ep.toAffine(invertedZ)
  }
  toHex() {
    return (0, utils_js_1.bytesToHex)(this.toBytes())
  }
  toString() {
    return this.toHex()
  }
  isTorsionFree() {
    return true
  }
  isSmallOrder() {
    return false
  }
  add(other) {
    this.assertSame(other)
    return this.init(this.ep.add(other.ep))
  }
  subtract(other) {
    this.assertSame(other)
    return this.init(this.ep.subtract(other.ep))
  }
  multiply(scalar) {
    return this.init(this.ep.multiply(scalar))
  }
  multiplyUnsafe(scalar) {
    return this.init(this.ep.multiplyUnsafe(scalar))
  }
  double() {
    return this.init(this.ep.double())
  }
  negate() {
    return this.init(this.ep.negate())
  }
  precompute(windowSize, isLazy) {
    this.ep.precompute(windowSize, isLazy)
    return this
  }
}
exports.PrimeEdwardsPoint = PrimeEdwardsPoint
function eddsa(Point, cHash, eddsaOpts = {}) {
  ;(0, curve_js_1.validatePointCons)(Point)
  if (typeof cHash !== 'function') throw new Error('"hash" function param is required')
  const hash = cHash
  const opts = eddsaOpts
  ;(0, utils_js_1.validateObject)(
    opts,
    {},
    {
      adjustScalarBytes: 'function',
      randomBytes: 'function',
      domain: 'function',
      prehash: 'function',
      zip215: 'boolean',
      mapToCurve: 'function',
      toMontgomery: 'function',
      toMontgomerySecret: 'function',
    },
  )
  const { prehash } = opts
  const { BASE, Fp, Fn } = Point
  const outputLen = hash.outputLen
  const expectedLen = 2 * Fp.BYTES
  if (outputLen !== undefined) {
    ;(0, utils_js_1.asafenumber)(outputLen, 'hash.outputLen')
    if (outputLen !== expectedLen) throw new Error(`hash.outputLen must be ${expectedLen}, got ${outputLen}`)
  }
  const randomBytes = opts.randomBytes === undefined ? utils_js_1.randomBytes : opts.randomBytes
  const toMontgomery = opts.toMontgomery
  const toMontgomerySecret = opts.toMontgomerySecret
  const adjustScalarBytes = opts.adjustScalarBytes === undefined ? (bytes) => bytes : opts.adjustScalarBytes
  const domain =
    opts.domain === undefined
      ? (data, ctx, phflag) => {
          ;(0, utils_js_1.abool)(phflag, 'phflag')
          if (ctx.length || phflag) throw new Error('Contexts/pre-hash are not supported')
          return data
        }
      : opts.domain
  function modN_LE(hash) {
    return Fn.create((0, utils_js_1.bytesToNumberLE)(hash))
  }
  function getPrivateScalar(key) {
    const len = lengths.secretKey
    ;(0, utils_js_1.abytes)(key, lengths.secretKey, 'secretKey')
    const hashed = (0, utils_js_1.abytes)(hash(key), 2 * len, 'hashedSecretKey')
    const head = adjustScalarBytes(hashed.slice(0, len))
    const prefix = hashed.slice(len, 2 * len)
    const scalar = modN_LE(head)
    return { head, prefix, scalar }
  }
  function getExtendedPublicKey(secretKey) {
    const { head, prefix, scalar } = getPrivateScalar(secretKey)
    const point = BASE.multiply(scalar)
    const pointBytes = point.toBytes()
    return { head, prefix, scalar, point, pointBytes }
  }
  function getPublicKey(secretKey) {
    return getExtendedPublicKey(secretKey).pointBytes
  }
  function hashDomainToScalar(context = Uint8Array.of(), ...msgs) {
    const msg = (0, utils_js_1.concatBytes)(...msgs)
    return modN_LE(hash(domain(msg, (0, utils_js_1.abytes)(context, undefined, 'context'), !!prehash)))
  }
  function sign(msg, secretKey, options = {}) {
    ;(0, utils_js_1.validateObject)(options, {}, {}, 'options')
    msg = (0, utils_js_1.copyBytes)((0, utils_js_1.abytes)(msg, undefined, 'message'))
    if (prehash) msg = prehash(msg)
    const { prefix, scalar, pointBytes } = getExtendedPublicKey(secretKey)
    const r = hashDomainToScalar(options.context, prefix, msg)
    const R = BASE.multiply(r).toBytes()
    const k = hashDomainToScalar(options.context, R, pointBytes, msg)
    const s = Fn.create(r + k * scalar)
    if (!Fn.isValid(s)) throw new Error('sign failed: invalid s')
    const rs = (0, utils_js_1.concatBytes)(R, Fn.toBytes(s))
    return (0, utils_js_1.abytes)(rs, lengths.signature, 'result')
  }
  const verifyOpts = {
    zip215: opts.zip215,
  }
  function verify(sig, msg, publicKey, options = verifyOpts) {
    ;(0, utils_js_1.validateObject)(options)
    const { context } = options
    const zip215 = options.zip215 === undefined ? !!verifyOpts.zip215 : options.zip215
    const len = lengths.signature
    sig = (0, utils_js_1.abytes)(sig, len, 'signature')
    msg = (0, utils_js_1.abytes)(msg, undefined, 'message')
    publicKey = (0, utils_js_1.abytes)(publicKey, lengths.publicKey, 'publicKey')
    if (zip215 !== undefined) (0, utils_js_1.abool)(zip215, 'zip215')
    if (prehash) msg = prehash(msg)
    const mid = len / 2
    const r = sig.subarray(0, mid)
    const s = (0, utils_js_1.bytesToNumberLE)(sig.subarray(mid, len))
    let A, R, SB
    try {
      A = Point.fromBytes(publicKey, zip215)
      R = Point.fromBytes(r, zip215)
      SB = BASE.multiplyUnsafe(s)
    } catch (error) {
      return false
    }
    if (!zip215 && A.isSmallOrder()) return false
    const k = hashDomainToScalar(context, r, publicKey, msg)
    const RkA = R.add(A.multiplyUnsafe(k))
    return RkA.subtract(SB).clearCofactor().is0()
  }
  const _size = Fp.BYTES
  const lengths = {
    secretKey: _size,
    publicKey: _size,
    signature: 2 * _size,
    seed: _size,
  }
  function randomSecretKey(seed) {
    seed = seed === undefined ? randomBytes(lengths.seed) : seed
    return (0, utils_js_1.abytes)(seed, lengths.seed, 'seed')
  }
  function isValidSecretKey(key) {
    return (0, utils_js_1.isBytes)(key) && key.length === lengths.secretKey
  }
  function isValidPublicKey(key, zip215) {
    try {
      return !!Point.fromBytes(key, zip215 === undefined ? verifyOpts.zip215 : zip215)
    } catch (error) {
      return false
    }
  }
  const utils = {
    getExtendedPublicKey,
    randomSecretKey,
    isValidSecretKey,
    isValidPublicKey,
    toMontgomery(publicKey) {
      if (toMontgomery === undefined) throw new Error('Montgomery conversion is not supported for this curve')
      return toMontgomery(Point.fromBytes(publicKey))
    },
    toMontgomerySecret(secretKey) {
      if (toMontgomerySecret === undefined) throw new Error('Montgomery conversion is not supported for this curve')
      return toMontgomerySecret(secretKey)
    },
  }
  Object.freeze(lengths)
  Object.freeze(utils)
  return Object.freeze({
    keygen: (0, curve_js_1.createKeygen)(randomSecretKey, getPublicKey),
    getPublicKey,
    sign,
    verify,
    utils,
    Point,
    lengths,
  })
}
