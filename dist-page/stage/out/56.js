'use strict'
Object.defineProperty(exports, '__esModule', { value: true })
exports._DST_scalar = void 0
exports.expand_message_xmd = expand_message_xmd
exports.expand_message_xof = expand_message_xof
exports.hash_to_field = hash_to_field
exports.isogenyMap = isogenyMap
exports.createHasher = createHasher
exports.SWUFpSqrtRatio = SWUFpSqrtRatio
exports.mapToCurveSimpleSWU = mapToCurveSimpleSWU
const utils_js_1 = require('../utils.js')
const modular_js_1 = require('./modular.js')
const _0n = BigInt(0),
  _1n = BigInt(1),
  _2n = BigInt(2),
  _3n = BigInt(3),
  _4n = BigInt(4)
const os2ip = utils_js_1.bytesToNumberBE
function i2osp(value, length) {
  ;(0, utils_js_1.asafenumber)(value)
  ;(0, utils_js_1.asafenumber)(length)
  if (length < 0 || length > 4) throw new Error('invalid I2OSP length: ' + length)
  if (value < 0 || value > 2 ** (8 * length) - 1) throw new Error('invalid I2OSP input: ' + value)
  const res = Array.from({ length }).fill(0)
  for (let i = length - 1; i >= 0; i--) {
    res[i] = value & 0xff
    value >>>= 8
  }
  return new Uint8Array(res)
}
function strxor(a, b) {
  const arr = new Uint8Array(a.length)
  for (let i = 0; i < a.length; i++) {
    arr[i] = a[i] ^ b[i]
  }
  return arr
}
function normDST(DST) {
  if (!(0, utils_js_1.isBytes)(DST) && typeof DST !== 'string')
    throw new Error('DST must be Uint8Array or ascii string')
  const dst = typeof DST === 'string' ? (0, utils_js_1.asciiToBytes)(DST) : DST
  if (dst.length === 0) throw new Error('DST must be non-empty')
  return dst
}
function expand_message_xmd(msg, DST, lenInBytes, H) {
  ;(0, utils_js_1.abytes)(msg)
  ;(0, utils_js_1.asafenumber)(lenInBytes)
  if (typeof H !== 'function') throw new Error('expand_message_xmd: expected hash function')
  ;(0, utils_js_1.asafenumber)(H.outputLen, 'hash.outputLen')
  ;(0, utils_js_1.asafenumber)(H.blockLen, 'hash.blockLen')
  DST = normDST(DST)
  if (DST.length > 255) DST = H((0, utils_js_1.concatBytes)((0, utils_js_1.asciiToBytes)('H2C-OVERSIZE-DST-'), DST))
  const { outputLen: b_in_bytes, blockLen: r_in_bytes } = H
  const ell = Math.ceil(lenInBytes / b_in_bytes)
  if (lenInBytes > 65535 || ell > 255) throw new Error('expand_message_xmd: invalid lenInBytes')
  const DST_prime = (0, utils_js_1.concatBytes)(DST, i2osp(DST.length, 1))
  const Z_pad = new Uint8Array(r_in_bytes)
  const l_i_b_str = i2osp(lenInBytes, 2)
  const b = new Array(ell)
  const b_0 = H((0, utils_js_1.concatBytes)(Z_pad, msg, l_i_b_str, i2osp(0, 1), DST_prime))
  b[0] = H((0, utils_js_1.concatBytes)(b_0, i2osp(1, 1), DST_prime))
  for (let i = 1; i < ell; i++) {
    const args = [strxor(b_0, b[i - 1]), i2osp(i + 1, 1), DST_prime]
    b[i] = H((0, utils_js_1.concatBytes)(...args))
  }
  const pseudo_random_bytes = (0, utils_js_1.concatBytes)(...b)
  return pseudo_random_bytes.slice(0, lenInBytes)
}
function expand_message_xof(msg, DST, lenInBytes, k, H) {
  ;(0, utils_js_1.abytes)(msg)
  ;(0, utils_js_1.asafenumber)(lenInBytes)
  ;(0, utils_js_1.asafenumber)(k, 'k')
  if (k < 0) throw new Error('expand_message_xof: invalid k')
  if (typeof H !== 'function') throw new Error('expand_message_xof: expected XOF function')
  if (typeof H.create !== 'function') throw new Error('expand_message_xof: expected XOF create')
  DST = normDST(DST)
  if (lenInBytes < 0 || lenInBytes > 65535) throw new Error('expand_message_xof: invalid lenInBytes')
  if (DST.length > 255) {
    const dkLen = Math.ceil((2 * k) / 8)
    DST = H.create({ dkLen })
      .update((0, utils_js_1.asciiToBytes)('H2C-OVERSIZE-DST-'))
      .update(DST)
      .digest()
  }
  if (DST.length > 255) throw new Error('expand_message_xof: invalid DST')
  return H.create({ dkLen: lenInBytes })
    .update(msg)
    .update(i2osp(lenInBytes, 2))
    .update(DST)
    .update(i2osp(DST.length, 1))
    .digest()
}
function hash_to_field(msg, count, options) {
  ;(0, utils_js_1.validateObject)(options, {
    p: 'bigint',
    m: 'number',
    k: 'number',
    hash: 'function',
  })
  const { p, k, m, hash, expand, DST } = options
  ;(0, utils_js_1.asafenumber)(hash.outputLen, 'valid hash')
  ;(0, utils_js_1.abytes)(msg)
  ;(0, utils_js_1.asafenumber)(count)
  ;(0, utils_js_1.asafenumber)(m, 'm')
  ;(0, utils_js_1.asafenumber)(k, 'k')
  if (p <= BigInt(1)) throw new Error('hash_to_field: expected valid field characteristic')
  if (count < 1) throw new Error('hash_to_field: expected count >= 1')
  if (m < 1) throw new Error('hash_to_field: expected m >= 1')
  if (k < 0) throw new Error('hash_to_field: invalid k')
  const log2p = p.toString(2).length
  const L = Math.ceil((log2p + k) / 8)
  const len_in_bytes = count * m * L
  let prb
  if (expand === 'xmd') {
    prb = expand_message_xmd(msg, DST, len_in_bytes, hash)
  } else if (expand === 'xof') {
    prb = expand_message_xof(msg, DST, len_in_bytes, k, hash)
  } else if (expand === '_internal_pass') {
    prb = msg
  } else {
    throw new Error('expand must be "xmd" or "xof"')
  }
  const u = new Array(count)
  for (let i = 0; i < count; i++) {
    const e = new Array(m)
    for (let j = 0; j < m; j++) {
      const elm_offset = L * (j + i * m)
      const tv = prb.subarray(elm_offset, elm_offset + L)
      e[j] = (0, modular_js_1.mod)(os2ip(tv), p)
    }
    u[i] = e
  }
  return u
}
function isogenyMap(field, map) {
  ;(0, modular_js_1.validateField)(field)
  ;(0, utils_js_1.aarray)(map, 'map')
  const coeff = map.map((i, row) => {
    ;(0, utils_js_1.aarray)(i, 'map[' + row + ']')
    if (i.length < 1) throw new Error('isogenyMap: expected non-empty coefficients')
    return Array.from(i).reverse()
  })
  return (x, y) => {
    const [xn, xd, yn, yd] = coeff.map((val) => val.reduce((acc, i) => field.add(field.mul(acc, x), i)))
    const isZero = field.is0(xd) || field.is0(yd)
    const [xd_inv, yd_inv] = (0, modular_js_1.FpInvertBatch)(field, [xd, yd], true)
    x = field.mul(xn, xd_inv)
    y = field.mul(y, field.mul(yn, yd_inv))
    return isZero ? { x: field.ZERO, y: field.ZERO } : { x, y }
  }
}
exports._DST_scalar = 'HashToScalar-'
function createHasher(Point, mapToCurve, defaults) {
  if (typeof mapToCurve !== 'function') throw new Error('mapToCurve() must be defined')
  ;(0, utils_js_1.validateObject)(defaults)
  const snapshot = (src) =>
    Object.freeze({
      ...src,
      DST: (0, utils_js_1.isBytes)(src.DST) ? (0, utils_js_1.copyBytes)(src.DST) : src.DST,
      ...(src.encodeDST === undefined
        ? {}
        : {
            encodeDST: (0, utils_js_1.isBytes)(src.encodeDST)
              ? (0, utils_js_1.copyBytes)(src.encodeDST)
              : src.encodeDST,
          }),
    })
  const safeDefaults = snapshot(defaults)
  const dstOverride = (options) => (options && options.DST !== undefined ? { DST: options.DST } : undefined)
  function map(num) {
    return Point.fromAffine(mapToCurve(num))
  }
  function clear(initial) {
    const P = initial.clearCofactor()
    if (P.equals(Point.ZERO)) return Point.ZERO
    P.assertValidity()
    return P
  }
  return Object.freeze({
    get defaults() {
      return snapshot(safeDefaults)
    },
    Point,
    hashToCurve(msg, options) {
      const opts = Object.assign({}, safeDefaults, dstOverride(options))
      const u = hash_to_field(msg, 2, opts)
      const u0 = map(u[0])
      const u1 = map(u[1])
      return clear(u0.add(u1))
    },
    encodeToCurve(msg, options) {
      const optsDst = safeDefaults.encodeDST === undefined ? {} : { DST: safeDefaults.encodeDST }
      const opts = Object.assign({}, safeDefaults, optsDst, dstOverride(options))
      const u = hash_to_field(msg, 1, opts)
      const u0 = map(u[0])
      return clear(u0)
    },
    mapToCurve(scalars) {
      if (safeDefaults.m === 1) {
        if (typeof scalars !== 'bigint') throw new Error('expected bigint (m=1)')
        return clear(map([scalars]))
      }
      if (!Array.isArray(scalars)) throw new Error('expected array of bigints')
      if (scalars.length !== safeDefaults.m) throw new Error(`expected array of ${safeDefaults.m} bigints`)
      for (const i of scalars) if (typeof i !== 'bigint') throw new Error('expected array of bigints')
      return clear(map(scalars))
    },
    hashToScalar(msg, options) {
      const N = Point.Fn.ORDER
      const opts = Object.assign({}, safeDefaults, { DST: exports._DST_scalar }, dstOverride(options), {
        p: N,
        m: 1,
      })
      return hash_to_field(msg, 1, opts)[0][0]
    },
  })
}
function SWUFpSqrtRatio(Fp, Z) {
  const F = (0, modular_js_1.validateField)(Fp)
  const q = F.ORDER
  let l = _0n
  for (let o = q - _1n; o % _2n === _0n; o /= _2n) l += _1n
  const c1 = l
  const _2n_pow_c1_1 = _2n << (c1 - _1n - _1n)
  const _2n_pow_c1 = _2n_pow_c1_1 * _2n
  const c2 = (q - _1n) / _2n_pow_c1
  const c3 = (c2 - _1n) / _2n
  const c4 = _2n_pow_c1 - _1n
  const c5 = _2n_pow_c1_1
  const c6 = F.pow(Z, c2)
  const c7 = F.pow(Z, (c2 + _1n) / _2n)
  let sqrtRatio = (u, v) => {
    let tv1 = c6
    let tv2 = F.pow(v, c4)
    let tv3 = F.sqr(tv2)
    tv3 = F.mul(tv3, v)
    let tv5 = F.mul(u, tv3)
    tv5 = F.pow(tv5, c3)
    tv5 = F.mul(tv5, tv2)
    tv2 = F.mul(tv5, v)
    tv3 = F.mul(tv5, u)
    let tv4 = F.mul(tv3, tv2)
    tv5 = F.pow(tv4, c5)
    let isQR = F.eql(tv5, F.ONE)
    tv2 = F.mul(tv3, c7)
    tv5 = F.mul(tv4, tv1)
    tv3 = F.cmov(tv2, tv3, isQR)
    tv4 = F.cmov(tv5, tv4, isQR)
    for (let i = c1; i > _1n; i--) {
      let tv5 = i - _2n
      tv5 = _2n << (tv5 - _1n)
      let tvv5 = F.pow(tv4, tv5)
      const e1 = F.eql(tvv5, F.ONE)
      tv2 = F.mul(tv3, tv1)
      tv1 = F.mul(tv1, tv1)
      tvv5 = F.mul(tv4, tv1)
      tv3 = F.cmov(tv2, tv3, e1)
      tv4 = F.cmov(tvv5, tv4, e1)
    }
    return { isValid: !F.is0(v) && (isQR || F.is0(u)), value: tv3 }
  }
  if (F.ORDER % _4n === _3n) {
    const c1 = (F.ORDER - _3n) / _4n
    const c2 = F.sqrt(F.neg(Z))
    sqrtRatio = (u, v) => {
      let tv1 = F.sqr(v)
      const tv2 = F.mul(u, v)
      tv1 = F.mul(tv1, tv2)
      let y1 = F.pow(tv1, c1)
      y1 = F.mul(y1, tv2)
      const y2 = F.mul(y1, c2)
      const tv3 = F.mul(F.sqr(y1), v)
      const isQR = F.eql(tv3, u)
      let y = F.cmov(y2, y1, isQR)
      return { isValid: !F.is0(v) && isQR, value: y }
    }
  }
  return sqrtRatio
}
function mapToCurveSimpleSWU(Fp, opts) {
  const F = (0, modular_js_1.validateField)(Fp)
  ;(0, utils_js_1.validateObject)(opts, {}, {}, 'opts')
  const { A, B, Z } = opts
  if (!F.isValidNot0(A) || !F.isValidNot0(B) || !F.isValid(Z)) throw new Error('mapToCurveSimpleSWU: invalid opts')
  if (F.eql(Z, F.neg(F.ONE)) || (0, modular_js_1.FpIsSquare)(F, Z)) throw new Error('mapToCurveSimpleSWU: invalid opts')
  const x = F.mul(B, F.inv(F.mul(Z, A)))
  const gx = F.add(F.add(F.mul(F.sqr(x), x), F.mul(A, x)), B)
  if (!(0, modular_js_1.FpIsSquare)(F, gx)) throw new Error('mapToCurveSimpleSWU: invalid opts')
  const sqrtRatio = SWUFpSqrtRatio(F, Z)
  if (!F.isOdd) throw new Error('Field does not have .isOdd()')
  return (u) => {
    let tv1, tv2, tv3, tv4, tv5, tv6, x, y
    tv1 = F.sqr(u)
    tv1 = F.mul(tv1, Z)
    tv2 = F.sqr(tv1)
    tv2 = F.add(tv2, tv1)
    tv3 = F.add(tv2, F.ONE)
    tv3 = F.mul(tv3, B)
    tv4 = F.cmov(Z, F.neg(tv2), !F.eql(tv2, F.ZERO))
    tv4 = F.mul(tv4, A)
    tv2 = F.sqr(tv3)
    tv6 = F.sqr(tv4)
    tv5 = F.mul(tv6, A)
    tv2 = F.add(tv2, tv5)
    tv2 = F.mul(tv2, tv3)
    tv6 = F.mul(tv6, tv4)
    tv5 = F.mul(tv6, B)
    tv2 = F.add(tv2, tv5)
    x = F.mul(tv1, tv3)
    const { isValid, value } = sqrtRatio(tv2, tv6)
    y = F.mul(tv1, u)
    y = F.mul(y, value)
    x = F.cmov(x, tv3, isValid)
    y = F.cmov(y, value, isValid)
    const e1 = F.isOdd(u) === F.isOdd(y)
    y = F.cmov(F.neg(y), y, e1)
    const tv4_inv = (0, modular_js_1.FpInvertBatch)(F, [tv4], true)[0]
    x = F.mul(x, tv4_inv)
    return { x, y }
  }
}
