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
  _8n = BigInt(8)
function isEdValidXY(Fp, CURVE, x, y) {
  const x2 = Fp.sqr(x)
  const y2 = Fp.sqr(y)
  const left = Fp.add(Fp.mul(CURVE.a, x2), y2)
  const right = Fp.add(Fp.ONE, Fp.mul(CURVE.d, Fp.mul(x2, y2)))
  return Fp.eql(left, right)
}
function edwards(params, extraOpts = {}) {
  const validated = (0, curve_js_1.createCurveFields)('edwards', params, extraOpts, extraOpts.FpFnLE)
  const { Fp, Fn } = validated
  let CURVE = validated.CURVE
  const { h: cofactor } = CURVE
  ;(0, utils_js_1.validateObject)(extraOpts, {}, { uvRatio: 'function' })
  const MASK = _2n << (BigInt(Fn.BYTES * 8) - _1n)
  const modP = (n) => Fp.create(n)
  const uvRatio =
    extraOpts.uvRatio ||
    ((u, v) => {
      try {
        return { isValid: true, value: Fp.sqrt(Fp.div(u, v)) }
      } catch (e) {
        return { isValid: false, value: _0n }
      }
    })
  if (!isEdValidXY(Fp, CURVE, CURVE.Gx, CURVE.Gy)) throw new Error('bad curve params: generator point')
  function acoord(title, n, banZero = false) {
    const min = banZero ? _1n : _0n
    ;(0, utils_js_1.aInRange)('coordinate ' + title, n, min, MASK)
    return n
  }
  function aedpoint(other) {
    if (!(other instanceof Point)) throw new Error('EdwardsPoint expected')
  }
  const toAffineMemo = (0, utils_js_1.memoized)((p, iz) => {
    const { X, Y, Z } = p
    const is0 = p.is0()
    if (iz == null) iz = is0 ? _8n : Fp.inv(Z)
    const x = modP(X * iz)
    const y = modP(Y * iz)
    const zz = Fp.mul(Z, iz)
    if (is0) return { x: _0n, y: _1n }
    if (zz !== _1n) throw new Error('invZ was invalid')
    return { x, y }
  })
  const assertValidMemo = (0, utils_js_1.memoized)((p) => {
    const { a, d } = CURVE
    if (p.is0()) throw new Error('bad point: ZERO')
    const { X, Y, Z, T } = p
    const X2 = modP(X * X)
    const Y2 = modP(Y * Y)
    const Z2 = modP(Z * Z)
    const Z4 = modP(Z2 * Z2)
    const aX2 = modP(X2 * a)
    const left = modP(Z2 * modP(aX2 + Y2))
    const right = modP(Z4 + modP(d * modP(X2 * Y2)))
    if (left !== right) throw new Error('bad point: equation left != right (1)')
    const XY = modP(X * Y)
    const ZT = modP(Z * T)
    if (XY !== ZT) throw new Error('bad point: equation left != right (2)')
    return true
  })
  class Point {
    static BASE = new Point(CURVE.Gx, CURVE.Gy, _1n, modP(CURVE.Gx * CURVE.Gy))
    static ZERO = new Point(_0n, _1n, _1n, _0n)
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
      return new Point(x, y, _1n, modP(x * y))
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
      const y2 = modP(y * y)
      const u = modP(y2 - _1n)
      const v = modP(d * y2 - a)
      let { isValid, value: x } = uvRatio(u, v)
      if (!isValid) throw new Error('bad point: invalid y coordinate')
      const isXOdd = (x & _1n) === _1n
      const isLastByteOdd = (lastByte & 0x80) !== 0
      if (!zip215 && x === _0n && isLastByteOdd) throw new Error('bad point: x=0 and x_0=1')
      if (isLastByteOdd !== isXOdd) x = modP(-x)
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
    precompute(windowSize = 8, isLazy = true) {
      wnaf.createCache(this, windowSize)
      if (!isLazy) this.multiply(_2n)
      return this
    }
    assertValidity() {
      assertValidMemo(this)
    }
    equals(other) {
      aedpoint(other)
      const { X: X1, Y: Y1, Z: Z1 } = this
      const { X: X2, Y: Y2, Z: Z2 } = other
      const X1Z2 = modP(X1 * Z2)
      const X2Z1 = modP(X2 * Z1)
      const Y1Z2 = modP(Y1 * Z2)
      const Y2Z1 = modP(Y2 * Z1)
      return X1Z2 === X2Z1 && Y1Z2 === Y2Z1
    }
    is0() {
      return this.equals(Point.ZERO)
    }
    negate() {
      return new Point(modP(-this.X), this.Y, this.Z, modP(-this.T))
    }
    double() {
      const { a } = CURVE
      const { X: X1, Y: Y1, Z: Z1 } = this
      const A = modP(X1 * X1)
      const B = modP(Y1 * Y1)
      const C = modP(_2n * modP(Z1 * Z1))
      const D = modP(a * A)
      const x1y1 = X1 + Y1
      const E = modP(modP(x1y1 * x1y1) - A - B)
      const G = D + B
      const F = G - C
      const H = D - B
      const X3 = modP(E * F)
      const Y3 = modP(G * H)
      const T3 = modP(E * H)
      const Z3 = modP(F * G)
      return new Point(X3, Y3, Z3, T3)
    }
    add(other) {
      aedpoint(other)
      const { a, d } = CURVE
      const { X: X1, Y: Y1, Z: Z1, T: T1 } = this
      const { X: X2, Y: Y2, Z: Z2, T: T2 } = other
      const A = modP(X1 * X2)
      const B = modP(Y1 * Y2)
      const C = modP(T1 * d * T2)
      const D = modP(Z1 * Z2)
      const E = modP((X1 + Y1) * (X2 + Y2) - A - B)
      const F = D - C
      const G = D + C
      const H = modP(B - a * A)
      const X3 = modP(E * F)
      const Y3 = modP(G * H)
      const T3 = modP(E * H)
      const Z3 = modP(F * G)
      return new Point(X3, Y3, Z3, T3)
    }
    subtract(other) {
      return this.add(other.negate())
    }
    multiply(scalar) {
      if (!Fn.isValidNot0(scalar)) throw new Error('invalid scalar: expected 1 <= sc < curve.n')
      const { p, f } = wnaf.cached(this, scalar, (p) => (0, curve_js_1.normalizeZ)(Point, p))
      return (0, curve_js_1.normalizeZ)(Point, [p, f])[0]
    }
    multiplyUnsafe(scalar, acc = Point.ZERO) {
      if (!Fn.isValid(scalar)) throw new Error('invalid scalar: expected 0 <= sc < curve.n')
      if (scalar === _0n) return Point.ZERO
      if (this.is0() || scalar === _1n) return this
      return wnaf.unsafe(this, scalar, (p) => (0, curve_js_1.normalizeZ)(Point, p), acc)
    }
    isSmallOrder() {
      return this.multiplyUnsafe(cofactor).is0()
    }
    isTorsionFree() {
      return wnaf.unsafe(this, CURVE.n).is0()
    }
    toAffine(invertedZ) {
      return toAffineMemo(this, invertedZ)
    }
    clearCofactor() {
      if (cofactor === _1n) return this
      return this.multiplyUnsafe(cofactor)
    }
    toBytes() {
      const { x, y } = this.toAffine()
      const bytes = Fp.toBytes(y)
      bytes[bytes.length - 1] |= x & _1n ? 0x80 : 0
      return bytes
    }
    toHex() {
      return (0, utils_js_1.bytesToHex)(this.toBytes())
    }
    toString() {
      return `<Point ${this.is0() ? 'ZERO' : this.toHex()}>`
    }
  }
  const wnaf = new curve_js_1.wNAF(Point, Fn.BITS)
  Point.BASE.precompute(8)
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
    return this.init(this.ep.precompute(windowSize, isLazy))
  }
}
exports.PrimeEdwardsPoint = PrimeEdwardsPoint
function eddsa(Point, cHash, eddsaOpts = {}) {
  if (typeof cHash !== 'function') throw new Error('"hash" function param is required')
  ;(0, utils_js_1.validateObject)(
    eddsaOpts,
    {},
    {
      adjustScalarBytes: 'function',
      randomBytes: 'function',
      domain: 'function',
      prehash: 'function',
      mapToCurve: 'function',
    },
  )
  const { prehash } = eddsaOpts
  const { BASE, Fp, Fn } = Point
  const randomBytes = eddsaOpts.randomBytes || utils_js_1.randomBytes
  const adjustScalarBytes = eddsaOpts.adjustScalarBytes || ((bytes) => bytes)
  const domain =
    eddsaOpts.domain ||
    ((data, ctx, phflag) => {
      ;(0, utils_js_1.abool)(phflag, 'phflag')
      if (ctx.length || phflag) throw new Error('Contexts/pre-hash are not supported')
      return data
    })
  function modN_LE(hash) {
    return Fn.create((0, utils_js_1.bytesToNumberLE)(hash))
  }
  function getPrivateScalar(key) {
    const len = lengths.secretKey
    ;(0, utils_js_1.abytes)(key, lengths.secretKey, 'secretKey')
    const hashed = (0, utils_js_1.abytes)(cHash(key), 2 * len, 'hashedSecretKey')
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
    return modN_LE(cHash(domain(msg, (0, utils_js_1.abytes)(context, undefined, 'context'), !!prehash)))
  }
  function sign(msg, secretKey, options = {}) {
    msg = (0, utils_js_1.abytes)(msg, undefined, 'message')
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
  const verifyOpts = { zip215: true }
  function verify(sig, msg, publicKey, options = verifyOpts) {
    const { context, zip215 } = options
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
    const k = hashDomainToScalar(context, R.toBytes(), A.toBytes(), msg)
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
  function randomSecretKey(seed = randomBytes(lengths.seed)) {
    return (0, utils_js_1.abytes)(seed, lengths.seed, 'seed')
  }
  function isValidSecretKey(key) {
    return (0, utils_js_1.isBytes)(key) && key.length === Fn.BYTES
  }
  function isValidPublicKey(key, zip215) {
    try {
      return !!Point.fromBytes(key, zip215)
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
      const { y } = Point.fromBytes(publicKey)
      const size = lengths.publicKey
      const is25519 = size === 32
      if (!is25519 && size !== 57) throw new Error('only defined for 25519 and 448')
      const u = is25519 ? Fp.div(_1n + y, _1n - y) : Fp.div(y - _1n, y + _1n)
      return Fp.toBytes(u)
    },
    toMontgomerySecret(secretKey) {
      const size = lengths.secretKey
      ;(0, utils_js_1.abytes)(secretKey, size)
      const hashed = cHash(secretKey.subarray(0, size))
      return adjustScalarBytes(hashed).subarray(0, size)
    },
  }
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
