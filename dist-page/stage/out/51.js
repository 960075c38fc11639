'use strict'
Object.defineProperty(exports, '__esModule', { value: true })
exports.shake256_64 =
  exports.shake128_32 =
  exports.shake256 =
  exports.shake128 =
  exports.keccak_512 =
  exports.keccak_384 =
  exports.keccak_256 =
  exports.keccak_224 =
  exports.sha3_512 =
  exports.sha3_384 =
  exports.sha3_256 =
  exports.sha3_224 =
  exports.Keccak =
    void 0
exports.keccakP = keccakP
const _u64_js_1 = require('./_u64.js')
const utils_js_1 = require('./utils.js')
const _0n = BigInt(0)
const _1n = BigInt(1)
const _2n = BigInt(2)
const _7n = BigInt(7)
const _256n = BigInt(256)
const _0x71n = BigInt(0x71)
const SHA3_PI = []
const SHA3_ROTL = []
const _SHA3_IOTA = []
for (let round = 0, R = _1n, x = 1, y = 0; round < 24; round++) {
  ;[x, y] = [y, (2 * x + 3 * y) % 5]
  SHA3_PI.push(2 * (5 * y + x))
  SHA3_ROTL.push((((round + 1) * (round + 2)) / 2) % 64)
  let t = _0n
  for (let j = 0; j < 7; j++) {
    R = ((R << _1n) ^ ((R >> _7n) * _0x71n)) % _256n
    if (R & _2n) t ^= _1n << ((_1n << BigInt(j)) - _1n)
  }
  _SHA3_IOTA.push(t)
}
const IOTAS = (0, _u64_js_1.split)(_SHA3_IOTA, true)
const SHA3_IOTA_H = IOTAS[0]
const SHA3_IOTA_L = IOTAS[1]
const rotlH = (h, l, s) => (s > 32 ? (0, _u64_js_1.rotlBH)(h, l, s) : (0, _u64_js_1.rotlSH)(h, l, s))
const rotlL = (h, l, s) => (s > 32 ? (0, _u64_js_1.rotlBL)(h, l, s) : (0, _u64_js_1.rotlSL)(h, l, s))
function keccakP(s, rounds = 24) {
  const B = new Uint32Array(5 * 2)
  for (let round = 24 - rounds; round < 24; round++) {
    for (let x = 0; x < 10; x++) B[x] = s[x] ^ s[x + 10] ^ s[x + 20] ^ s[x + 30] ^ s[x + 40]
    for (let x = 0; x < 10; x += 2) {
      const idx1 = (x + 8) % 10
      const idx0 = (x + 2) % 10
      const B0 = B[idx0]
      const B1 = B[idx0 + 1]
      const Th = rotlH(B0, B1, 1) ^ B[idx1]
      const Tl = rotlL(B0, B1, 1) ^ B[idx1 + 1]
      for (let y = 0; y < 50; y += 10) {
        s[x + y] ^= Th
        s[x + y + 1] ^= Tl
      }
    }
    let curH = s[2]
    let curL = s[3]
    for (let t = 0; t < 24; t++) {
      const shift = SHA3_ROTL[t]
      const Th = rotlH(curH, curL, shift)
      const Tl = rotlL(curH, curL, shift)
      const PI = SHA3_PI[t]
      curH = s[PI]
      curL = s[PI + 1]
      s[PI] = Th
      s[PI + 1] = Tl
    }
    for (let y = 0; y < 50; y += 10) {
      for (let x = 0; x < 10; x++) B[x] = s[y + x]
      for (let x = 0; x < 10; x++) s[y + x] ^= ~B[(x + 2) % 10] & B[(x + 4) % 10]
    }
    s[0] ^= SHA3_IOTA_H[round]
    s[1] ^= SHA3_IOTA_L[round]
  }
  ;(0, utils_js_1.clean)(B)
}
class Keccak {
  state
  pos = 0
  posOut = 0
  finished = false
  state32
  destroyed = false
  blockLen
  suffix
  outputLen
  enableXOF = false
  rounds
  constructor(blockLen, suffix, outputLen, enableXOF = false, rounds = 24) {
    this.blockLen = blockLen
    this.suffix = suffix
    this.outputLen = outputLen
    this.enableXOF = enableXOF
    this.rounds = rounds
    ;(0, utils_js_1.anumber)(outputLen, 'outputLen')
    if (!(0 < blockLen && blockLen < 200)) throw new Error('only keccak-f1600 function is supported')
    this.state = new Uint8Array(200)
    this.state32 = (0, utils_js_1.u32)(this.state)
  }
  clone() {
    return this._cloneInto()
  }
  keccak() {
    ;(0, utils_js_1.swap32IfBE)(this.state32)
    keccakP(this.state32, this.rounds)
    ;(0, utils_js_1.swap32IfBE)(this.state32)
    this.posOut = 0
    this.pos = 0
  }
  update(data) {
    ;(0, utils_js_1.aexists)(this)
    ;(0, utils_js_1.abytes)(data)
    const { blockLen, state } = this
    const len = data.length
    for (let pos = 0; pos < len;) {
      const take = Math.min(blockLen - this.pos, len - pos)
      for (let i = 0; i < take; i++) state[this.pos++] ^= data[pos++]
      if (this.pos === blockLen) this.keccak()
    }
    return this
  }
  finish() {
    if (this.finished) return
    this.finished = true
    const { state, suffix, pos, blockLen } = this
    state[pos] ^= suffix
    if ((suffix & 0x80) !== 0 && pos === blockLen - 1) this.keccak()
    state[blockLen - 1] ^= 0x80
    this.keccak()
  }
  writeInto(out) {
    ;(0, utils_js_1.aexists)(this, false)
    ;(0, utils_js_1.abytes)(out)
    this.finish()
    const bufferOut = this.state
    const { blockLen } = this
    for (let pos = 0, len = out.length; pos < len;) {
      if (this.posOut >= blockLen) this.keccak()
      const take = Math.min(blockLen - this.posOut, len - pos)
      out.set(bufferOut.subarray(this.posOut, this.posOut + take), pos)
      this.posOut += take
      pos += take
    }
    return out
  }
  xofInto(out) {
    if (!this.enableXOF) throw new Error('XOF is not possible for this instance')
    return this.writeInto(out)
  }
  xof(bytes) {
    ;(0, utils_js_1.anumber)(bytes)
    return this.xofInto(new Uint8Array(bytes))
  }
  digestInto(out) {
    ;(0, utils_js_1.aoutput)(out, this)
    if (this.finished) throw new Error('digest() was already called')
    this.writeInto(out)
    this.destroy()
    return out
  }
  digest() {
    return this.digestInto(new Uint8Array(this.outputLen))
  }
  destroy() {
    this.destroyed = true
    ;(0, utils_js_1.clean)(this.state)
  }
  _cloneInto(to) {
    const { blockLen, suffix, outputLen, rounds, enableXOF } = this
    to ||= new Keccak(blockLen, suffix, outputLen, enableXOF, rounds)
    to.state32.set(this.state32)
    to.pos = this.pos
    to.posOut = this.posOut
    to.finished = this.finished
    to.rounds = rounds
    to.suffix = suffix
    to.outputLen = outputLen
    to.enableXOF = enableXOF
    to.destroyed = this.destroyed
    return to
  }
}
exports.Keccak = Keccak
const genKeccak = (suffix, blockLen, outputLen, info = {}) =>
  (0, utils_js_1.createHasher)(() => new Keccak(blockLen, suffix, outputLen), info)
exports.sha3_224 = genKeccak(0x06, 144, 28, (0, utils_js_1.oidNist)(0x07))
exports.sha3_256 = genKeccak(0x06, 136, 32, (0, utils_js_1.oidNist)(0x08))
exports.sha3_384 = genKeccak(0x06, 104, 48, (0, utils_js_1.oidNist)(0x09))
exports.sha3_512 = genKeccak(0x06, 72, 64, (0, utils_js_1.oidNist)(0x0a))
exports.keccak_224 = genKeccak(0x01, 144, 28)
exports.keccak_256 = genKeccak(0x01, 136, 32)
exports.keccak_384 = genKeccak(0x01, 104, 48)
exports.keccak_512 = genKeccak(0x01, 72, 64)
const genShake = (suffix, blockLen, outputLen, info = {}) =>
  (0, utils_js_1.createHasher)(
    (opts = {}) => new Keccak(blockLen, suffix, opts.dkLen === undefined ? outputLen : opts.dkLen, true),
    info,
  )
exports.shake128 = genShake(0x1f, 168, 16, (0, utils_js_1.oidNist)(0x0b))
exports.shake256 = genShake(0x1f, 136, 32, (0, utils_js_1.oidNist)(0x0c))
exports.shake128_32 = genShake(0x1f, 168, 32, (0, utils_js_1.oidNist)(0x0b))
exports.shake256_64 = genShake(0x1f, 136, 64, (0, utils_js_1.oidNist)(0x0c))
