'use strict'
Object.defineProperty(exports, '__esModule', { value: true })
exports.ED25519_TORSION_SUBGROUP =
  exports.ristretto255_FROST =
  exports.ristretto255_oprf =
  exports.ristretto255_hasher =
  exports.ristretto255 =
  exports.ed25519_hasher =
  exports.x25519 =
  exports.ed25519_FROST =
  exports.ed25519ph =
  exports.ed25519ctx =
  exports.ed25519 =
    void 0
exports._map_to_curve_elligator2_curve25519 = _map_to_curve_elligator2_curve25519
const sha2_js_1 = require('@noble/hashes/sha2.js')
const utils_js_1 = require('@noble/hashes/utils.js')
const curve_js_1 = require('./abstract/curve.js')
const edwards_js_1 = require('./abstract/edwards.js')
const frost_js_1 = require('./abstract/frost.js')
const hash_to_curve_js_1 = require('./abstract/hash-to-curve.js')
const modular_js_1 = require('./abstract/modular.js')
const montgomery_js_1 = require('./abstract/montgomery.js')
const oprf_js_1 = require('./abstract/oprf.js')
const utils_js_2 = require('./utils.js')
const _0n = BigInt(0),
  _1n = BigInt(1),
  _2n = BigInt(2),
  _3n = BigInt(3)
const _5n = BigInt(5),
  _8n = BigInt(8)
const ed25519_CURVE_p = BigInt('0x7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffed')
const ed25519_CURVE = (() => ({
  p: ed25519_CURVE_p,
  n: BigInt('0x1000000000000000000000000000000014def9dea2f79cd65812631a5cf5d3ed'),
  h: _8n,
  a: BigInt('0x7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffec'),
  d: BigInt('0x52036cee2b6ffe738cc740797779e89800700a4d4141d8ab75eb4dca135978a3'),
  Gx: BigInt('0x216936d3cd6e53fec0a4e231fdd6dc5c692cc7609525a7b2c9562d608f25d51a'),
  Gy: BigInt('0x6666666666666666666666666666666666666666666666666666666666666658'),
}))()
function ed25519_pow_2_252_3(x) {
  const _10n = BigInt(10),
    _20n = BigInt(20),
    _40n = BigInt(40),
    _80n = BigInt(80)
  const P = ed25519_CURVE_p
  const x2 = (x * x) % P
  const b2 = (x2 * x) % P
  const b4 = ((0, modular_js_1.pow2)(b2, _2n, P) * b2) % P
  const b5 = ((0, modular_js_1.pow2)(b4, _1n, P) * x) % P
  const b10 = ((0, modular_js_1.pow2)(b5, _5n, P) * b5) % P
  const b20 = ((0, modular_js_1.pow2)(b10, _10n, P) * b10) % P
  const b40 = ((0, modular_js_1.pow2)(b20, _20n, P) * b20) % P
  const b80 = ((0, modular_js_1.pow2)(b40, _40n, P) * b40) % P
  const b160 = ((0, modular_js_1.pow2)(b80, _80n, P) * b80) % P
  const b240 = ((0, modular_js_1.pow2)(b160, _80n, P) * b80) % P
  const b250 = ((0, modular_js_1.pow2)(b240, _10n, P) * b10) % P
  const pow_p_5_8 = ((0, modular_js_1.pow2)(b250, _2n, P) * x) % P
  return { pow_p_5_8, b2 }
}
function adjustScalarBytes(bytes) {
  bytes[0] &= 248
  bytes[31] &= 127
  bytes[31] |= 64
  return bytes
}
const ED25519_SQRT_M1 = BigInt('19681161376707505956807079304988542015446066515923890162744021073123829784752')
function uvRatio(u, v) {
  const P = ed25519_CURVE_p
  const v3 = (0, modular_js_1.mod)(v * v * v, P)
  const v7 = (0, modular_js_1.mod)(v3 * v3 * v, P)
  const pow = ed25519_pow_2_252_3(u * v7).pow_p_5_8
  let x = (0, modular_js_1.mod)(u * v3 * pow, P)
  const vx2 = (0, modular_js_1.mod)(v * x * x, P)
  const root1 = x
  const root2 = (0, modular_js_1.mod)(x * ED25519_SQRT_M1, P)
  const useRoot1 = vx2 === u
  const useRoot2 = vx2 === (0, modular_js_1.mod)(-u, P)
  const noRoot = vx2 === (0, modular_js_1.mod)(-u * ED25519_SQRT_M1, P)
  if (useRoot1) x = root1
  if (useRoot2 || noRoot) x = root2
  if ((0, modular_js_1.isNegativeLE)(x, P)) x = (0, modular_js_1.mod)(-x, P)
  return { isValid: useRoot1 || useRoot2, value: x }
}
const ed25519_Point = (0, edwards_js_1.edwards)(ed25519_CURVE, { uvRatio })
const Fp = (() => ed25519_Point.Fp)()
function toMontgomery(point) {
  const { y } = point
  return Fp.toBytes(Fp.div(_1n + y, _1n - y))
}
function toMontgomerySecret(secretKey) {
  const size = ed25519_Point.Fp.BYTES
  ;(0, utils_js_1.abytes)(secretKey, size)
  return adjustScalarBytes((0, sha2_js_1.sha512)(secretKey.subarray(0, size))).subarray(0, size)
}
const Fn = (() => ed25519_Point.Fn)()
function ed25519_domain(data, ctx, phflag) {
  if (ctx.length > 255) throw new Error('Context is too big')
  return (0, utils_js_1.concatBytes)(
    (0, utils_js_2.asciiToBytes)('SigEd25519 no Ed25519 collisions'),
    new Uint8Array([phflag ? 1 : 0, ctx.length]),
    ctx,
    data,
  )
}
function ed(opts) {
  return (0, edwards_js_1.eddsa)(
    ed25519_Point,
    sha2_js_1.sha512,
    Object.assign({ adjustScalarBytes, toMontgomery, toMontgomerySecret, zip215: true }, opts),
  )
}
exports.ed25519 = ed({})
exports.ed25519ctx = ed({ domain: ed25519_domain })
exports.ed25519ph = ed({ domain: ed25519_domain, prehash: sha2_js_1.sha512 })
exports.ed25519_FROST = (() =>
  (0, frost_js_1.createFROST)({
    name: 'FROST-ED25519-SHA512-v1',
    Point: ed25519_Point,
    validatePoint: (p) => {
      p.assertValidity()
      if (!p.isTorsionFree()) throw new Error('bad point: not torsion-free')
    },
    hash: sha2_js_1.sha512,
    H2: '',
  }))()
exports.x25519 = (() => {
  const P = ed25519_CURVE_p
  const powPminus2 = (x) => {
    const { pow_p_5_8, b2 } = ed25519_pow_2_252_3(x)
    return (0, modular_js_1.mod)((0, modular_js_1.pow2)(pow_p_5_8, _3n, P) * b2, P)
  }
  return (0, montgomery_js_1.montgomery)({
    P,
    type: 'x25519',
    powPminus2,
    adjustScalarBytes,
    scalarMultBase: (k) => {
      const kn = (0, modular_js_1.mod)(k, ed25519_Point.Fn.ORDER)
      if (kn === _0n) return _0n
      const p = ed25519_Point.BASE.multiply(kn)
      return (0, modular_js_1.mod)((p.Z + p.Y) * powPminus2((0, modular_js_1.mod)(p.Z - p.Y, P)), P)
    },
  })
})()
const ELL2_C1 = (() => (ed25519_CURVE_p + _3n) / _8n)()
const ELL2_C2 = (() => Fp.pow(_2n, ELL2_C1))()
const ELL2_C3 = (() => Fp.sqrt(Fp.neg(Fp.ONE)))()
const ELL2_J = BigInt(486662)
function _map_to_curve_elligator2_curve25519(u) {
  let tv1 = Fp.sqr(u)
  tv1 = Fp.mul(tv1, _2n)
  let xd = Fp.add(tv1, Fp.ONE)
  let x1n = Fp.neg(ELL2_J)
  let tv2 = Fp.sqr(xd)
  let gxd = Fp.mul(tv2, xd)
  let gx1 = Fp.mul(tv1, ELL2_J)
  gx1 = Fp.mul(gx1, x1n)
  gx1 = Fp.add(gx1, tv2)
  gx1 = Fp.mul(gx1, x1n)
  let tv3 = Fp.sqr(gxd)
  tv2 = Fp.sqr(tv3)
  tv3 = Fp.mul(tv3, gxd)
  tv3 = Fp.mul(tv3, gx1)
  tv2 = Fp.mul(tv2, tv3)
  let y11 = ed25519_pow_2_252_3(tv2).pow_p_5_8
  y11 = Fp.mul(y11, tv3)
  let y12 = Fp.mul(y11, ELL2_C3)
  tv2 = Fp.sqr(y11)
  tv2 = Fp.mul(tv2, gxd)
  let e1 = Fp.eql(tv2, gx1)
  let y1 = Fp.cmov(y12, y11, e1)
  let x2n = Fp.mul(x1n, tv1)
  let y21 = Fp.mul(y11, u)
  y21 = Fp.mul(y21, ELL2_C2)
  let y22 = Fp.mul(y21, ELL2_C3)
  let gx2 = Fp.mul(gx1, tv1)
  tv2 = Fp.sqr(y21)
  tv2 = Fp.mul(tv2, gxd)
  let e2 = Fp.eql(tv2, gx2)
  let y2 = Fp.cmov(y22, y21, e2)
  tv2 = Fp.sqr(y1)
  tv2 = Fp.mul(tv2, gxd)
  let e3 = Fp.eql(tv2, gx1)
  let xn = Fp.cmov(x2n, x1n, e3)
  let y = Fp.cmov(y2, y1, e3)
  let e4 = Fp.isOdd(y)
  y = Fp.cmov(y, Fp.neg(y), e3 !== e4)
  return { xMn: xn, xMd: xd, yMn: y, yMd: _1n }
}
const ELL2_C1_EDWARDS = (() => (0, modular_js_1.FpSqrtEven)(Fp, Fp.neg(BigInt(486664))))()
function map_to_curve_elligator2_edwards25519(u) {
  const { xMn, xMd, yMn, yMd } = _map_to_curve_elligator2_curve25519(u)
  let xn = Fp.mul(xMn, yMd)
  xn = Fp.mul(xn, ELL2_C1_EDWARDS)
  let xd = Fp.mul(xMd, yMn)
  let yn = Fp.sub(xMn, xMd)
  let yd = Fp.add(xMn, xMd)
  let tv1 = Fp.mul(xd, yd)
  let e = Fp.eql(tv1, Fp.ZERO)
  xn = Fp.cmov(xn, Fp.ZERO, e)
  xd = Fp.cmov(xd, Fp.ONE, e)
  yn = Fp.cmov(yn, Fp.ONE, e)
  yd = Fp.cmov(yd, Fp.ONE, e)
  const [xd_inv, yd_inv] = (0, modular_js_1.FpInvertBatch)(Fp, [xd, yd], true)
  return { x: Fp.mul(xn, xd_inv), y: Fp.mul(yn, yd_inv) }
}
exports.ed25519_hasher = (() =>
  (0, hash_to_curve_js_1.createHasher)(ed25519_Point, (scalars) => map_to_curve_elligator2_edwards25519(scalars[0]), {
    DST: 'edwards25519_XMD:SHA-512_ELL2_RO_',
    encodeDST: 'edwards25519_XMD:SHA-512_ELL2_NU_',
    p: ed25519_CURVE_p,
    m: 1,
    k: 128,
    expand: 'xmd',
    hash: sha2_js_1.sha512,
  }))()
const SQRT_M1 = ED25519_SQRT_M1
const SQRT_AD_MINUS_ONE = BigInt('25063068953384623474111414158702152701244531502492656460079210482610430750235')
const INVSQRT_A_MINUS_D = BigInt('54469307008909316920995813868745141605393597292927456921205312896311721017578')
const ONE_MINUS_D_SQ = BigInt('1159843021668779879193775521855586647937357759715417654439879720876111806838')
const D_MINUS_ONE_SQ = BigInt('40440834346308536858101042469323190826248399146238708352240133220865137265952')
const invertSqrt = (number) => uvRatio(_1n, number)
const MAX_255B = BigInt('0x7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff')
const bytes255ToNumberLE = (bytes) => Fp.create((0, utils_js_2.bytesToNumberLE)(bytes) & MAX_255B)
function calcElligatorRistrettoMap(r0) {
  const { d } = ed25519_CURVE
  const r = Fp.mul(Fp.mulN(SQRT_M1, r0), r0)
  const Ns = Fp.mul(Fp.addN(r, _1n), ONE_MINUS_D_SQ)
  let c = BigInt(-1)
  const D = Fp.mul(Fp.subN(c, Fp.mulN(d, r)), Fp.add(r, d))
  let { isValid: Ns_D_is_sq, value: s } = uvRatio(Ns, D)
  let s_ = Fp.mul(s, r0)
  if (!Fp.isOdd(s_)) s_ = Fp.neg(s_)
  if (!Ns_D_is_sq) s = s_
  if (!Ns_D_is_sq) c = r
  const Nt = Fp.sub(Fp.mulN(Fp.mulN(c, Fp.subN(r, _1n)), D_MINUS_ONE_SQ), D)
  const s2 = Fp.sqrN(s)
  const W0 = Fp.mul(Fp.addN(s, s), D)
  const W1 = Fp.mul(Nt, SQRT_AD_MINUS_ONE)
  const W2 = Fp.sub(_1n, s2)
  const W3 = Fp.add(_1n, s2)
  return new ed25519_Point(Fp.mul(W0, W3), Fp.mul(W2, W1), Fp.mul(W1, W3), Fp.mul(W0, W2))
}
class _RistrettoPoint extends edwards_js_1.PrimeEdwardsPoint {
  static BASE = (() => new _RistrettoPoint(ed25519_Point.BASE))()
  static ZERO = (() => new _RistrettoPoint(ed25519_Point.ZERO))()
  static Fp = (() => Fp)()
  static Fn = (() => Fn)()
  constructor(ep) {
    super(ep)
  }
  static fromAffine(ap) {
    return new _RistrettoPoint(ed25519_Point.fromAffine(ap))
  }
  assertSame(other) {
    if (!(other instanceof _RistrettoPoint)) throw new Error('RistrettoPoint expected')
  }
  init(ep) {
    return new _RistrettoPoint(ep)
  }
  static fromBytes(bytes) {
    ;(0, utils_js_1.abytes)(bytes, 32)
    const { a, d } = ed25519_CURVE
    const s = bytes255ToNumberLE(bytes)
    if (!(0, utils_js_2.equalBytes)(Fp.toBytes(s), bytes) || Fp.isOdd(s))
      throw new Error('invalid ristretto255 encoding 1')
    const s2 = Fp.sqr(s)
    const u1 = Fp.add(_1n, Fp.mulN(a, s2))
    const u2 = Fp.sub(_1n, Fp.mulN(a, s2))
    const u1_2 = Fp.sqr(u1)
    const u2_2 = Fp.sqr(u2)
    const v = Fp.sub(Fp.mulN(Fp.mulN(a, d), u1_2), u2_2)
    const { isValid, value: I } = invertSqrt(Fp.mul(v, u2_2))
    const Dx = Fp.mul(I, u2)
    const Dy = Fp.mul(Fp.mulN(I, Dx), v)
    let x = Fp.mul(Fp.addN(s, s), Dx)
    if (Fp.isOdd(x)) x = Fp.neg(x)
    const y = Fp.mul(u1, Dy)
    const t = Fp.mul(x, y)
    if (!isValid || Fp.isOdd(t) || Fp.is0(y)) throw new Error('invalid ristretto255 encoding 2')
    return new _RistrettoPoint(new ed25519_Point(x, y, Fp.ONE, t))
  }
  static fromHex(hex) {
    return _RistrettoPoint.fromBytes((0, utils_js_1.hexToBytes)(hex))
  }
  toBytes() {
    let { X, Y, Z, T } = this.ep
    const u1 = Fp.mul(Fp.add(Z, Y), Fp.sub(Z, Y))
    const u2 = Fp.mul(X, Y)
    const u2sq = Fp.sqr(u2)
    const { value: invsqrt } = invertSqrt(Fp.mul(u1, u2sq))
    const D1 = Fp.mul(invsqrt, u1)
    const D2 = Fp.mul(invsqrt, u2)
    const zInv = Fp.mul(Fp.mulN(D1, D2), T)
    let D
    if (Fp.isOdd(Fp.mul(T, zInv))) {
      let _x = Fp.mul(Y, SQRT_M1)
      let _y = Fp.mul(X, SQRT_M1)
      X = _x
      Y = _y
      D = Fp.mul(D1, INVSQRT_A_MINUS_D)
    } else {
      D = D2
    }
    if (Fp.isOdd(Fp.mul(X, zInv))) Y = Fp.neg(Y)
    let s = Fp.mul(Fp.subN(Z, Y), D)
    if (Fp.isOdd(s)) s = Fp.neg(s)
    return Fp.toBytes(s)
  }
  equals(other) {
    this.assertSame(other)
    const { X: X1, Y: Y1 } = this.ep
    const { X: X2, Y: Y2 } = other.ep
    const one = Fp.eql(Fp.mul(X1, Y2), Fp.mul(Y1, X2))
    const two = Fp.eql(Fp.mul(Y1, Y2), Fp.mul(X1, X2))
    return one || two
  }
  is0() {
    return this.equals(_RistrettoPoint.ZERO)
  }
}
exports.ristretto255 = (() => {
  Object.freeze(_RistrettoPoint.BASE)
  Object.freeze(_RistrettoPoint.ZERO)
  Object.freeze(_RistrettoPoint.prototype)
  Object.freeze(_RistrettoPoint)
  return Object.freeze({ Point: _RistrettoPoint })
})()
exports.ristretto255_hasher = Object.freeze({
  Point: _RistrettoPoint,
  hashToCurve(msg, options) {
    const DST = options?.DST === undefined ? 'ristretto255_XMD:SHA-512_R255MAP_RO_' : options.DST
    const xmd = (0, hash_to_curve_js_1.expand_message_xmd)(msg, DST, 64, sha2_js_1.sha512)
    return exports.ristretto255_hasher.deriveToCurve(xmd)
  },
  hashToScalar(msg, options) {
    const DST = options?.DST === undefined ? hash_to_curve_js_1._DST_scalar : options.DST
    const xmd = (0, hash_to_curve_js_1.expand_message_xmd)(msg, DST, 64, sha2_js_1.sha512)
    return Fn.create((0, utils_js_2.bytesToNumberLE)(xmd))
  },
  deriveToCurve(bytes) {
    ;(0, utils_js_1.abytes)(bytes, 64)
    const r1 = bytes255ToNumberLE(bytes.subarray(0, 32))
    const R1 = calcElligatorRistrettoMap(r1)
    const r2 = bytes255ToNumberLE(bytes.subarray(32, 64))
    const R2 = calcElligatorRistrettoMap(r2)
    return new _RistrettoPoint(R1.add(R2))
  },
})
exports.ristretto255_oprf = (() =>
  (0, oprf_js_1.createOPRF)({
    name: 'ristretto255-SHA512',
    Point: _RistrettoPoint,
    hash: sha2_js_1.sha512,
    hashToGroup: exports.ristretto255_hasher.hashToCurve,
    hashToScalar: exports.ristretto255_hasher.hashToScalar,
  }))()
exports.ristretto255_FROST = (() =>
  (0, frost_js_1.createFROST)({
    name: 'FROST-RISTRETTO255-SHA512-v1',
    Point: _RistrettoPoint,
    validatePoint: (p) => {
      p.assertValidity()
    },
    hash: sha2_js_1.sha512,
  }))()
exports.ED25519_TORSION_SUBGROUP = Object.freeze([
  '0100000000000000000000000000000000000000000000000000000000000000',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
  '0000000000000000000000000000000000000000000000000000000000000080',
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85',
  '0000000000000000000000000000000000000000000000000000000000000000',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa',
])
