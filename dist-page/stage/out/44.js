'use strict'
Object.defineProperty(exports, '__esModule', { value: true })
exports.montgomery = montgomery
const utils_js_1 = require('../utils.js')
const curve_js_1 = require('./curve.js')
const modular_js_1 = require('./modular.js')
const _0n = BigInt(0)
const _1n = BigInt(1)
const _2n = BigInt(2)
function validateOpts(curve) {
  ;(0, utils_js_1.validateObject)(curve, {
    adjustScalarBytes: 'function',
    powPminus2: 'function',
  })
  return Object.freeze({ ...curve })
}
function montgomery(curveDef) {
  const CURVE = validateOpts(curveDef)
  const { P, type, adjustScalarBytes, powPminus2, randomBytes: rand } = CURVE
  const is25519 = type === 'x25519'
  if (!is25519 && type !== 'x448') throw new Error('invalid type')
  const randomBytes_ = rand || utils_js_1.randomBytes
  const montgomeryBits = is25519 ? 255 : 448
  const fieldLen = is25519 ? 32 : 56
  const Gu = is25519 ? BigInt(9) : BigInt(5)
  const a24 = is25519 ? BigInt(121665) : BigInt(39081)
  const minScalar = is25519 ? _2n ** BigInt(254) : _2n ** BigInt(447)
  const maxAdded = is25519 ? BigInt(8) * _2n ** BigInt(251) - _1n : BigInt(4) * _2n ** BigInt(445) - _1n
  const maxScalar = minScalar + maxAdded + _1n
  const modP = (n) => (0, modular_js_1.mod)(n, P)
  const GuBytes = encodeU(Gu)
  function encodeU(u) {
    return (0, utils_js_1.numberToBytesLE)(modP(u), fieldLen)
  }
  function decodeU(u) {
    const _u = (0, utils_js_1.copyBytes)((0, utils_js_1.abytes)(u, fieldLen, 'uCoordinate'))
    if (is25519) _u[31] &= 127
    return modP((0, utils_js_1.bytesToNumberLE)(_u))
  }
  function decodeScalar(scalar) {
    return (0, utils_js_1.bytesToNumberLE)(
      adjustScalarBytes((0, utils_js_1.copyBytes)((0, utils_js_1.abytes)(scalar, fieldLen, 'scalar'))),
    )
  }
  function scalarMult(scalar, u) {
    const pu = montgomeryLadder(decodeU(u), decodeScalar(scalar))
    if (pu === _0n) throw new Error('invalid private or public key received')
    return encodeU(pu)
  }
  function scalarMultBase(scalar) {
    return scalarMult(scalar, GuBytes)
  }
  const getPublicKey = scalarMultBase
  const getSharedSecret = scalarMult
  function cswap(swap, x_2, x_3) {
    const dummy = modP(swap * (x_2 - x_3))
    x_2 = modP(x_2 - dummy)
    x_3 = modP(x_3 + dummy)
    return { x_2, x_3 }
  }
  function montgomeryLadder(u, scalar) {
    ;(0, utils_js_1.aInRange)('u', u, _0n, P)
    ;(0, utils_js_1.aInRange)('scalar', scalar, minScalar, maxScalar)
    const k = scalar
    const x_1 = u
    let x_2 = _1n
    let z_2 = _0n
    let x_3 = u
    let z_3 = _1n
    let swap = _0n
    for (let t = BigInt(montgomeryBits - 1); t >= _0n; t--) {
      const k_t = (k >> t) & _1n
      swap ^= k_t
      ;({ x_2, x_3 } = cswap(swap, x_2, x_3))
      ;({ x_2: z_2, x_3: z_3 } = cswap(swap, z_2, z_3))
      swap = k_t
      const A = x_2 + z_2
      const AA = modP(A * A)
      const B = x_2 - z_2
      const BB = modP(B * B)
      const E = AA - BB
      const C = x_3 + z_3
      const D = x_3 - z_3
      const DA = modP(D * A)
      const CB = modP(C * B)
      const dacb = DA + CB
      const da_cb = DA - CB
      x_3 = modP(dacb * dacb)
      z_3 = modP(x_1 * modP(da_cb * da_cb))
      x_2 = modP(AA * BB)
      z_2 = modP(E * (AA + modP(a24 * E)))
    }
    ;({ x_2, x_3 } = cswap(swap, x_2, x_3))
    ;({ x_2: z_2, x_3: z_3 } = cswap(swap, z_2, z_3))
    const z2 = powPminus2(z_2)
    return modP(x_2 * z2)
  }
  const lengths = {
    secretKey: fieldLen,
    publicKey: fieldLen,
    seed: fieldLen,
  }
  const randomSecretKey = (seed = randomBytes_(fieldLen)) => {
    ;(0, utils_js_1.abytes)(seed, lengths.seed, 'seed')
    return seed
  }
  const utils = { randomSecretKey }
  return Object.freeze({
    keygen: (0, curve_js_1.createKeygen)(randomSecretKey, getPublicKey),
    getSharedSecret,
    getPublicKey,
    scalarMult,
    scalarMultBase,
    utils,
    GuBytes: GuBytes.slice(),
    lengths,
  })
}
