'use strict'
Object.defineProperty(exports, '__esModule', { value: true })
exports.isNegativeLE = void 0
exports.mod = mod
exports.pow = pow
exports.pow2 = pow2
exports.invert = invert
exports.invertCt = invertCt
exports.tonelliShanks = tonelliShanks
exports.FpSqrt = FpSqrt
exports.validateField = validateField
exports.FpPow = FpPow
exports.FpInvertBatch = FpInvertBatch
exports.FpDiv = FpDiv
exports.FpLegendre = FpLegendre
exports.FpIsSquare = FpIsSquare
exports.nLength = nLength
exports.Field = Field
exports.FpSqrtOdd = FpSqrtOdd
exports.FpSqrtEven = FpSqrtEven
exports.getFieldBytesLength = getFieldBytesLength
exports.getMinHashLength = getMinHashLength
exports.mapHashToField = mapHashToField
const utils_js_1 = require('../utils.js')
const _0n = BigInt(0),
  _1n = BigInt(1),
  _2n = BigInt(2)
const _3n = BigInt(3),
  _4n = BigInt(4),
  _5n = BigInt(5)
const _7n = BigInt(7),
  _8n = BigInt(8),
  _9n = BigInt(9)
const _15n = BigInt(15),
  _16n = BigInt(16)
const POW_WINDOWED_MIN = BigInt('0x10000000000000000')
function mod(a, b) {
  if (b <= _0n) throw new Error('mod: expected positive modulus, got ' + b)
  const result = a % b
  return result >= _0n ? result : b + result
}
function pow(num, power, modulo) {
  if (modulo <= _1n) throw new Error('pow: expected modulus > 1, got ' + modulo)
  if (typeof power !== 'bigint') throw new TypeError('invalid exponent: expected bigint, got ' + typeof power)
  if (power < _0n) throw new Error('invalid exponent, negatives unsupported')
  if (power === _0n) return _1n
  if (power === _1n) return num
  let d = num % modulo
  if (d < _0n) d += modulo
  if (power < POW_WINDOWED_MIN) {
    let p = _1n
    while (power > _0n) {
      if (power & _1n) p = (p * d) % modulo
      d = (d * d) % modulo
      power >>= _1n
    }
    return p
  }
  const digits = []
  while (power > _0n) {
    digits.push(Number(power & _15n))
    power >>= _4n
  }
  const table = new Array(16)
  table[0] = _1n
  table[1] = d
  for (let i = 2; i < 16; i++) table[i] = (table[i - 1] * d) % modulo
  let p = table[digits[digits.length - 1]]
  for (let w = digits.length - 2; w >= 0; w--) {
    p = (p * p) % modulo
    p = (p * p) % modulo
    p = (p * p) % modulo
    p = (p * p) % modulo
    const digit = digits[w]
    if (digit !== 0) p = (p * table[digit]) % modulo
  }
  return p
}
function pow2(x, power, modulo) {
  if (modulo <= _1n) throw new Error('pow2: expected modulus > 1, got ' + modulo)
  if (power < _0n) throw new Error('pow2: expected non-negative exponent, got ' + power)
  let res = x
  while (power-- > _0n) {
    res *= res
    res %= modulo
  }
  return res
}
function invert(number, modulo) {
  if (number === _0n) throw new Error('invert: expected non-zero number')
  if (modulo <= _1n) throw new Error('invert: expected modulus > 1, got ' + modulo)
  let a = mod(number, modulo)
  let b = modulo
  let x = _0n,
    u = _1n
  while (a !== _0n) {
    const q = b / a
    const r = b - a * q
    const m = x - u * q
    ;((b = a), (a = r), (x = u), (u = m))
  }
  const gcd = b
  if (gcd !== _1n) throw new Error('invert: does not exist')
  return mod(x, modulo)
}
function invertCt(a, prime) {
  if (prime <= _1n) throw new Error('invertCt: expected prime modulus > 1, got ' + prime)
  const an = mod(a, prime)
  if (an === _0n) throw new Error('invertCt: expected non-zero number')
  const inverse = pow(an, prime - _2n, prime)
  if (mod(an * inverse, prime) !== _1n) throw new Error('invertCt: does not exist')
  return inverse
}
function assertIsSquare(Fp, root, n) {
  const F = Fp
  if (!F.eql(F.sqr(root), n)) throw new Error('Cannot find square root')
}
function aoddModulus(order, fnName) {
  if ((order & _1n) === _0n) throw new Error(fnName + ': expected odd modulus, got ' + order)
}
function sqrt3mod4(Fp, n) {
  const F = Fp
  const p1div4 = (F.ORDER + _1n) / _4n
  const root = F.pow(n, p1div4)
  assertIsSquare(F, root, n)
  return root
}
function sqrt5mod8(Fp, n) {
  const F = Fp
  const p5div8 = (F.ORDER - _5n) / _8n
  const n2 = F.mul(n, _2n)
  const v = F.pow(n2, p5div8)
  const nv = F.mul(n, v)
  const i = F.mul(F.mul(nv, _2n), v)
  const root = F.mul(nv, F.sub(i, F.ONE))
  assertIsSquare(F, root, n)
  return root
}
function sqrt9mod16(P) {
  const Fp_ = Field(P)
  const tn = tonelliShanks(P)
  const c1 = tn(Fp_, Fp_.neg(Fp_.ONE))
  const c2 = tn(Fp_, c1)
  const c3 = tn(Fp_, Fp_.neg(c1))
  const c4 = (P + _7n) / _16n
  return (Fp, n) => {
    const F = Fp
    let tv1 = F.pow(n, c4)
    let tv2 = F.mul(tv1, c1)
    const tv3 = F.mul(tv1, c2)
    const tv4 = F.mul(tv1, c3)
    const e1 = F.eql(F.sqr(tv2), n)
    const e2 = F.eql(F.sqr(tv3), n)
    tv1 = F.cmov(tv1, tv2, e1)
    tv2 = F.cmov(tv4, tv3, e2)
    const e3 = F.eql(F.sqr(tv2), n)
    const root = F.cmov(tv1, tv2, e3)
    assertIsSquare(F, root, n)
    return root
  }
}
function tonelliShanks(P) {
  if (P < _3n) throw new Error('sqrt is not defined for small field')
  aoddModulus(P, 'tonelliShanks')
  let Q = P - _1n
  let S = 0
  while (Q % _2n === _0n) {
    Q /= _2n
    S++
  }
  let Z = _2n
  const _Fp = Field(P)
  while (FpLegendre(_Fp, Z) === 1) {
    if (Z++ > 1000) throw new Error('Cannot find square root: probably non-prime P')
  }
  if (S === 1) return sqrt3mod4
  let cc = _Fp.pow(Z, Q)
  const Q1div2 = (Q + _1n) / _2n
  return function tonelliSlow(Fp, n) {
    const F = Fp
    if (F.is0(n)) return n
    if (FpLegendre(F, n) !== 1) throw new Error('Cannot find square root')
    let M = S
    let c = F.mul(F.ONE, cc)
    let t = F.pow(n, Q)
    let R = F.pow(n, Q1div2)
    while (!F.eql(t, F.ONE)) {
      if (F.is0(t)) throw new Error('Cannot find square root: probably non-prime P')
      let i = 1
      let t_tmp = F.sqr(t)
      while (!F.eql(t_tmp, F.ONE)) {
        i++
        t_tmp = F.sqr(t_tmp)
        if (i === M) throw new Error('Cannot find square root')
      }
      const exponent = _1n << BigInt(M - i - 1)
      const b = F.pow(c, exponent)
      M = i
      c = F.sqr(b)
      t = F.mul(t, c)
      R = F.mul(R, b)
    }
    return R
  }
}
function FpSqrt(P) {
  aoddModulus(P, 'Fp.sqrt')
  if (P % _4n === _3n) return sqrt3mod4
  if (P % _8n === _5n) return sqrt5mod8
  if (P % _16n === _9n) return sqrt9mod16(P)
  return tonelliShanks(P)
}
const isNegativeLE = (num, modulo) => (mod(num, modulo) & _1n) === _1n
exports.isNegativeLE = isNegativeLE
const FIELD_FIELDS = [
  'create',
  'isValid',
  'is0',
  'neg',
  'inv',
  'sqrt',
  'sqr',
  'eql',
  'add',
  'sub',
  'mul',
  'pow',
  'div',
  'addN',
  'subN',
  'mulN',
  'sqrN',
]
function validateField(field) {
  ;(0, utils_js_1.aobject)(field, 'field')
  if (typeof field.ORDER !== 'bigint')
    throw new TypeError('param "ORDER" is invalid: expected bigint, got ' + typeof field.ORDER)
  ;(0, utils_js_1.asafenumber)(field.BYTES, 'BYTES')
  ;(0, utils_js_1.asafenumber)(field.BITS, 'BITS')
  for (const name of FIELD_FIELDS) (0, utils_js_1.afunction)(field[name], 'field.' + name)
  if (field.BYTES < 1 || field.BITS < 1) throw new Error('invalid field: expected BYTES/BITS > 0')
  if (field.ORDER <= _1n) throw new Error('invalid field: expected ORDER > 1, got ' + field.ORDER)
  return field
}
function FpPow(Fp, num, power) {
  validateField(Fp)
  const F = Fp
  if (typeof power !== 'bigint') throw new TypeError('invalid exponent: expected bigint, got ' + typeof power)
  if (power < _0n) throw new Error('invalid exponent, negatives unsupported')
  if (power === _0n) return F.ONE
  if (power === _1n) return num
  if (power < POW_WINDOWED_MIN) {
    let p = F.ONE
    let d = num
    while (power > _0n) {
      if (power & _1n) p = F.mul(p, d)
      d = F.sqr(d)
      power >>= _1n
    }
    return p
  }
  const digits = []
  while (power > _0n) {
    digits.push(Number(power & _15n))
    power >>= _4n
  }
  const table = new Array(16)
  table[0] = F.ONE
  table[1] = num
  for (let i = 2; i < 16; i++) table[i] = F.mul(table[i - 1], num)
  let p = table[digits[digits.length - 1]]
  for (let w = digits.length - 2; w >= 0; w--) {
    p = F.sqr(F.sqr(F.sqr(F.sqr(p))))
    const digit = digits[w]
    if (digit !== 0) p = F.mul(p, table[digit])
  }
  return p
}
function FpInvertBatch(Fp, nums, passZero = false) {
  validateField(Fp)
  ;(0, utils_js_1.aarray)(nums, 'nums')
  ;(0, utils_js_1.abool)(passZero, 'passZero')
  const F = Fp
  const inverted = new Array(nums.length).fill(passZero ? F.ZERO : undefined)
  const multipliedAcc = nums.reduce((acc, num, i) => {
    if (F.is0(num)) return acc
    inverted[i] = acc
    return F.mul(acc, num)
  }, F.ONE)
  const invertedAcc = F.inv(multipliedAcc)
  nums.reduceRight((acc, num, i) => {
    if (F.is0(num)) return acc
    inverted[i] = F.mul(acc, inverted[i])
    return F.mul(acc, num)
  }, invertedAcc)
  return inverted
}
function FpDiv(Fp, lhs, rhs) {
  validateField(Fp)
  const F = Fp
  return F.mul(lhs, typeof rhs === 'bigint' ? invert(rhs, F.ORDER) : F.inv(rhs))
}
function FpLegendre(Fp, n) {
  validateField(Fp)
  const F = Fp
  aoddModulus(F.ORDER, 'FpLegendre')
  const p1mod2 = (F.ORDER - _1n) / _2n
  const powered = F.pow(n, p1mod2)
  const yes = F.eql(powered, F.ONE)
  const zero = F.eql(powered, F.ZERO)
  const no = F.eql(powered, F.neg(F.ONE))
  if (!yes && !zero && !no) throw new Error('invalid Legendre symbol result')
  return yes ? 1 : zero ? 0 : -1
}
function FpIsSquare(Fp, n) {
  const l = FpLegendre(Fp, n)
  return l !== -1
}
function nLength(n, nBitLength) {
  if (nBitLength !== undefined) (0, utils_js_1.anumber)(nBitLength)
  if (n <= _0n) throw new Error('invalid n length: expected positive n, got ' + n)
  if (nBitLength !== undefined && nBitLength < 1)
    throw new Error('invalid n length: expected positive bit length, got ' + nBitLength)
  const bits = (0, utils_js_1.bitLen)(n)
  if (nBitLength !== undefined && nBitLength < bits)
    throw new Error(`invalid n length: expected nBitLength (${nBitLength}) >= bitLen(n) (${bits})`)
  const _nBitLength = nBitLength !== undefined ? nBitLength : bits
  const nByteLength = Math.ceil(_nBitLength / 8)
  return { nBitLength: _nBitLength, nByteLength }
}
const FIELD_SQRT = new WeakMap()
class _Field {
  ORDER
  BITS
  BYTES
  isLE
  ZERO = _0n
  ONE = _1n
  _lengths
  _mod
  constructor(ORDER, opts = {}) {
    if (ORDER <= _1n) throw new Error('invalid field: expected ORDER > 1, got ' + ORDER)
    let _nbitLength = undefined
    this.isLE = false
    if (opts != null && typeof opts === 'object') {
      if (typeof opts.BITS === 'number') _nbitLength = opts.BITS
      if (typeof opts.sqrt === 'function') Object.defineProperty(this, 'sqrt', { value: opts.sqrt, enumerable: true })
      if (typeof opts.isLE === 'boolean') this.isLE = opts.isLE
      if (opts.allowedLengths) this._lengths = Object.freeze(opts.allowedLengths.slice())
      if (typeof opts.modFromBytes === 'boolean') this._mod = opts.modFromBytes
    }
    const { nBitLength, nByteLength } = nLength(ORDER, _nbitLength)
    if (nByteLength > 2048) throw new Error('invalid field: expected ORDER of <= 2048 bytes')
    this.ORDER = ORDER
    this.BITS = nBitLength
    this.BYTES = nByteLength
    Object.freeze(this)
  }
  create(num) {
    return mod(num, this.ORDER)
  }
  isValid(num) {
    if (typeof num !== 'bigint') throw new TypeError('invalid field element: expected bigint, got ' + typeof num)
    return _0n <= num && num < this.ORDER
  }
  is0(num) {
    return num === _0n
  }
  isValidNot0(num) {
    return !this.is0(num) && this.isValid(num)
  }
  isOdd(num) {
    return (num & _1n) === _1n
  }
  neg(num) {
    return mod(-num, this.ORDER)
  }
  eql(lhs, rhs) {
    return lhs === rhs
  }
  sqr(num) {
    return mod(num * num, this.ORDER)
  }
  add(lhs, rhs) {
    return mod(lhs + rhs, this.ORDER)
  }
  sub(lhs, rhs) {
    return mod(lhs - rhs, this.ORDER)
  }
  mul(lhs, rhs) {
    return mod(lhs * rhs, this.ORDER)
  }
  pow(num, power) {
    return pow(num, power, this.ORDER)
  }
  div(lhs, rhs) {
    return mod(lhs * invert(rhs, this.ORDER), this.ORDER)
  }
  sqrN(num) {
    return num * num
  }
  addN(lhs, rhs) {
    return lhs + rhs
  }
  subN(lhs, rhs) {
    return lhs - rhs
  }
  mulN(lhs, rhs) {
    return lhs * rhs
  }
  inv(num) {
    return invert(num, this.ORDER)
  }
  sqrt(num) {
    let sqrt = FIELD_SQRT.get(this)
    if (!sqrt) FIELD_SQRT.set(this, (sqrt = FpSqrt(this.ORDER)))
    return sqrt(this, num)
  }
  toBytes(num) {
    return this.isLE
      ? (0, utils_js_1.numberToBytesLE)(num, this.BYTES)
      : (0, utils_js_1.numberToBytesBE)(num, this.BYTES)
  }
  fromBytes(bytes, skipValidation = false) {
    ;(0, utils_js_1.abytes)(bytes)
    const { _lengths: allowedLengths, BYTES, isLE, ORDER, _mod: modFromBytes } = this
    if (allowedLengths) {
      if (bytes.length < 1 || !allowedLengths.includes(bytes.length) || bytes.length > BYTES) {
        throw new Error('Field.fromBytes: expected ' + allowedLengths + ' bytes, got ' + bytes.length)
      }
      const padded = new Uint8Array(BYTES)
      padded.set(bytes, isLE ? 0 : padded.length - bytes.length)
      bytes = padded
    }
    if (bytes.length !== BYTES) throw new Error('Field.fromBytes: expected ' + BYTES + ' bytes, got ' + bytes.length)
    let scalar = isLE ? (0, utils_js_1.bytesToNumberLE)(bytes) : (0, utils_js_1.bytesToNumberBE)(bytes)
    if (modFromBytes) scalar = mod(scalar, ORDER)
    if (!skipValidation) if (!this.isValid(scalar)) throw new Error('invalid field element: outside of range 0..ORDER')
    return scalar
  }
  invertBatch(lst) {
    return FpInvertBatch(this, lst, true)
  }
  cmov(a, b, condition) {
    ;(0, utils_js_1.abool)(condition, 'condition')
    return condition ? b : a
  }
}
function Field(ORDER, opts = {}) {
  Object.freeze(_Field.prototype)
  return new _Field(ORDER, opts)
}
function FpSqrtOdd(Fp, elm) {
  validateField(Fp)
  const F = Fp
  if (!F.isOdd) throw new Error("Field doesn't have isOdd")
  const root = F.sqrt(elm)
  return F.isOdd(root) ? root : F.neg(root)
}
function FpSqrtEven(Fp, elm) {
  validateField(Fp)
  const F = Fp
  if (!F.isOdd) throw new Error("Field doesn't have isOdd")
  const root = F.sqrt(elm)
  return F.isOdd(root) ? F.neg(root) : root
}
function getFieldBytesLength(fieldOrder) {
  if (typeof fieldOrder !== 'bigint') throw new Error('field order must be bigint')
  if (fieldOrder <= _1n) throw new Error('field order must be greater than 1')
  const bitLength = (0, utils_js_1.bitLen)(fieldOrder - _1n)
  return Math.ceil(bitLength / 8)
}
function getMinHashLength(fieldOrder) {
  const length = getFieldBytesLength(fieldOrder)
  return length + Math.ceil(length / 2)
}
function mapHashToField(key, fieldOrder, isLE = false) {
  ;(0, utils_js_1.abytes)(key)
  const len = key.length
  const fieldLen = getFieldBytesLength(fieldOrder)
  const minLen = Math.max(getMinHashLength(fieldOrder), 16)
  if (len < minLen || len > 1024) throw new Error('expected ' + minLen + '-1024 bytes of input, got ' + len)
  const num = isLE ? (0, utils_js_1.bytesToNumberLE)(key) : (0, utils_js_1.bytesToNumberBE)(key)
  const reduced = mod(num, fieldOrder - _1n) + _1n
  return isLE ? (0, utils_js_1.numberToBytesLE)(reduced, fieldLen) : (0, utils_js_1.numberToBytesBE)(reduced, fieldLen)
}
