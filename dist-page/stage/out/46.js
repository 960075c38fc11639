'use strict'
Object.defineProperty(exports, '__esModule', { value: true })
exports.ED25519_TORSION_SUBGROUP =
  exports.ristretto255_oprf =
  exports.ristretto255_hasher =
  exports.ristretto255 =
  exports.ed25519_hasher =
  exports.x25519 =
  exports.ed25519ph =
  exports.ed25519ctx =
  exports.ed25519 =
    void 0
exports._map_to_curve_elligator2_curve25519 = _map_to_curve_elligator2_curve25519
const sha2_js_1 = require('@noble/hashes/sha2.js')
const utils_js_1 = require('@noble/hashes/utils.js')
const curve_js_1 = require('./abstract/curve.js')
const edwards_js_1 = require('./abstract/edwards.js')
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
  return (0, edwards_js_1.eddsa)(ed25519_Point, sha2_js_1.sha512, Object.assign({ adjustScalarBytes }, opts))
}
exports.ed25519 = ed({})
exports.ed25519ctx = ed({ domain: ed25519_domain })
exports.ed25519ph = ed({ domain: ed25519_domain, prehash: sha2_js_1.sha512 })
exports.x25519 = (() => {
  const P = ed25519_CURVE_p
  return (0, montgomery_js_1.montgomery)({
    P,
    type: 'x25519',
    powPminus2: (x) => {
      const { pow_p_5_8, b2 } = ed25519_pow_2_252_3(x)
      return (0, modular_js_1.mod)((0, modular_js_1.pow2)(pow_p_5_8, _3n, P) * b2, P)
    },
    adjustScalarBytes,
  })
})()
const ELL2_C1 = (() => (ed25519_CURVE_p + _3n) / _8n)()
const ELL2_C2 = (() => Fp.pow(_2n, ELL2_C1))()
const ELL2_C3 = (() => Fp.sqrt(Fp.neg(Fp.ONE)))()
function _map_to_curve_elligator2_curve25519(u) {
  const ELL2_C4 = (ed25519_CURVE_p - _5n) / _8n
  const ELL2_J = BigInt(486662)
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
  let y11 = Fp.pow(tv2, ELL2_C4)
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
  const P = ed25519_CURVE_p
  const mod = (n) => Fp.create(n)
  const r = mod(SQRT_M1 * r0 * r0)
  const Ns = mod((r + _1n) * ONE_MINUS_D_SQ)
  let c = BigInt(-1)
  const D = mod((c - d * r) * mod(r + d))
  let { isValid: Ns_D_is_sq, value: s } = uvRatio(Ns, D)
  let s_ = mod(s * r0)
  if (!(0, modular_js_1.isNegativeLE)(s_, P)) s_ = mod(-s_)
  if (!Ns_D_is_sq) s = s_
  if (!Ns_D_is_sq) c = r
  const Nt = mod(c * (r - _1n) * D_MINUS_ONE_SQ - D)
  const s2 = s * s
  const W0 = mod((s + s) * D)
  const W1 = mod(Nt * SQRT_AD_MINUS_ONE)
  const W2 = mod(_1n - s2)
  const W3 = mod(_1n + s2)
  return new ed25519_Point(mod(W0 * W3), mod(W2 * W1), mod(W1 * W3), mod(W0 * W2))
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
    const P = ed25519_CURVE_p
    const mod = (n) => Fp.create(n)
    const s = bytes255ToNumberLE(bytes)
    if (!(0, utils_js_2.equalBytes)(Fp.toBytes(s), bytes) || (0, modular_js_1.isNegativeLE)(s, P))
      throw new Error('invalid ristretto255 encoding 1')
    const s2 = mod(s * s)
    const u1 = mod(_1n + a * s2)
    const u2 = mod(_1n - a * s2)
    const u1_2 = mod(u1 * u1)
    const u2_2 = mod(u2 * u2)
    const v = mod(a * d * u1_2 - u2_2)
    const { isValid, value: I } = invertSqrt(mod(v * u2_2))
    const Dx = mod(I * u2)
    const Dy = mod(I * Dx * v)
    let x = mod((s + s) * Dx)
    if ((0, modular_js_1.isNegativeLE)(x, P)) x = mod(-x)
    const y = mod(u1 * Dy)
    const t = mod(x * y)
    if (!isValid || (0, modular_js_1.isNegativeLE)(t, P) || y === _0n)
      throw new Error('invalid ristretto255 encoding 2')
    return new _RistrettoPoint(new ed25519_Point(x, y, _1n, t))
  }
  static fromHex(hex) {
    return _RistrettoPoint.fromBytes((0, utils_js_1.hexToBytes)(hex))
  }
  toBytes() {
    let { X, Y, Z, T } = this.ep
    const P = ed25519_CURVE_p
    const mod = (n) => Fp.create(n)
    const u1 = mod(mod(Z + Y) * mod(Z - Y))
    const u2 = mod(X * Y)
    const u2sq = mod(u2 * u2)
    const { value: invsqrt } = invertSqrt(mod(u1 * u2sq))
    const D1 = mod(invsqrt * u1)
    const D2 = mod(invsqrt * u2)
    const zInv = mod(D1 * D2 * T)
    let D
    if ((0, modular_js_1.isNegativeLE)(T * zInv, P)) {
      let _x = mod(Y * SQRT_M1)
      let _y = mod(X * SQRT_M1)
      X = _x
      Y = _y
      D = mod(D1 * INVSQRT_A_MINUS_D)
    } else {
      D = D2
    }
    if ((0, modular_js_1.isNegativeLE)(X * zInv, P)) Y = mod(-Y)
    let s = mod((Z - Y) * D)
    if ((0, modular_js_1.isNegativeLE)(s, P)) s = mod(-s)
    return Fp.toBytes(s)
  }
  equals(other) {
    this.assertSame(other)
    const { X: X1, Y: Y1 } = this.ep
    const { X: X2, Y: Y2 } = other.ep
    const mod = (n) => Fp.create(n)
    const one = mod(X1 * Y2) === mod(Y1 * X2)
    const two = mod(Y1 * Y2) === mod(X1 * X2)
    return one || two
  }
  is0() {
    return this.equals(_RistrettoPoint.ZERO)
  }
}
exports.ristretto255 = { Point: _RistrettoPoint }
exports.ristretto255_hasher = {
  Point: _RistrettoPoint,
  hashToCurve(msg, options) {
    const DST = options?.DST || 'ristretto255_XMD:SHA-512_R255MAP_RO_'
    const xmd = (0, hash_to_curve_js_1.expand_message_xmd)(msg, DST, 64, sha2_js_1.sha512)
    return exports.ristretto255_hasher.deriveToCurve(xmd)
  },
  hashToScalar(msg, options = { DST: hash_to_curve_js_1._DST_scalar }) {
    const xmd = (0, hash_to_curve_js_1.expand_message_xmd)(msg, options.DST, 64, sha2_js_1.sha512)
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
}
exports.ristretto255_oprf = (() =>
  (0, oprf_js_1.createORPF)({
    name: 'ristretto255-SHA512',
    Point: _RistrettoPoint,
    hash: sha2_js_1.sha512,
    hashToGroup: exports.ristretto255_hasher.hashToCurve,
    hashToScalar: exports.ristretto255_hasher.hashToScalar,
  }))()
exports.ED25519_TORSION_SUBGROUP = [
  '0100000000000000000000000000000000000000000000000000000000000000',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
  '0000000000000000000000000000000000000000000000000000000000000080',
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85',
  '0000000000000000000000000000000000000000000000000000000000000000',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa',
]
