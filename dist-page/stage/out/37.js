'use strict'
Object.defineProperty(exports, '__esModule', { value: true })
exports.createPRG = exports._XorStreamPRG = void 0
exports.rotl = rotl
exports.createCipher = createCipher
const utils_js_1 = require('./utils.js')
const encodeStr = (str) => Uint8Array.from(str.split(''), (c) => c.charCodeAt(0))
const sigma16_32 = (() => (0, utils_js_1.swap32IfBE)((0, utils_js_1.u32)(encodeStr('expand 16-byte k'))))()
const sigma32_32 = (() => (0, utils_js_1.swap32IfBE)((0, utils_js_1.u32)(encodeStr('expand 32-byte k'))))()
function rotl(a, b) {
  return (a << b) | (a >>> (32 - b))
}
const BLOCK_LEN = 64
const BLOCK_LEN32 = 16
const MAX_COUNTER = (() => 2 ** 32 - 1)()
const U32_EMPTY = Uint32Array.of()
function runCipher(core, sigma, key, nonce, data, output, counter, rounds) {
  const len = data.length
  const block = new Uint8Array(BLOCK_LEN)
  const b32 = (0, utils_js_1.u32)(block)
  const isAligned = utils_js_1.isLE && (0, utils_js_1.isAligned32)(data) && (0, utils_js_1.isAligned32)(output)
  const d32 = isAligned ? (0, utils_js_1.u32)(data) : U32_EMPTY
  const o32 = isAligned ? (0, utils_js_1.u32)(output) : U32_EMPTY
  if (!utils_js_1.isLE) {
    for (let pos = 0; pos < len; counter++) {
      core(sigma, key, nonce, b32, counter, rounds)
      ;(0, utils_js_1.swap32IfBE)(b32)
      if (counter >= MAX_COUNTER) throw new Error('arx: counter overflow')
      const take = Math.min(BLOCK_LEN, len - pos)
      for (let j = 0, posj; j < take; j++) {
        posj = pos + j
        output[posj] = data[posj] ^ block[j]
      }
      pos += take
    }
    return
  }
  for (let pos = 0; pos < len; counter++) {
    core(sigma, key, nonce, b32, counter, rounds)
    if (counter >= MAX_COUNTER) throw new Error('arx: counter overflow')
    const take = Math.min(BLOCK_LEN, len - pos)
    if (isAligned && take === BLOCK_LEN) {
      const pos32 = pos / 4
      if (pos % 4 !== 0) throw new Error('arx: invalid block position')
      for (let j = 0, posj; j < BLOCK_LEN32; j++) {
        posj = pos32 + j
        o32[posj] = d32[posj] ^ b32[j]
      }
      pos += BLOCK_LEN
      continue
    }
    for (let j = 0, posj; j < take; j++) {
      posj = pos + j
      output[posj] = data[posj] ^ block[j]
    }
    pos += take
  }
}
function createCipher(core, opts) {
  const { allowShortKeys, extendNonceFn, counterLength, counterRight, rounds } = (0, utils_js_1.checkOpts)(
    { allowShortKeys: false, counterLength: 8, counterRight: false, rounds: 20 },
    opts,
  )
  if (typeof core !== 'function') throw new Error('core must be a function')
  ;(0, utils_js_1.anumber)(counterLength)
  ;(0, utils_js_1.anumber)(rounds)
  ;(0, utils_js_1.abool)(counterRight)
  ;(0, utils_js_1.abool)(allowShortKeys)
  return (key, nonce, data, output, counter = 0) => {
    ;(0, utils_js_1.abytes)(key, undefined, 'key')
    ;(0, utils_js_1.abytes)(nonce, undefined, 'nonce')
    ;(0, utils_js_1.abytes)(data, undefined, 'data')
    const len = data.length
    const hasOutput = output !== undefined
    output = (0, utils_js_1.getOutput)(len, output, false)
    if (hasOutput) (0, utils_js_1.complexOverlapBytes)(data, output)
    ;(0, utils_js_1.anumber)(counter)
    if (counter < 0 || counter >= MAX_COUNTER) throw new Error('arx: counter overflow')
    const toClean = []
    let l = key.length
    let k
    let sigma
    if (l === 32) {
      toClean.push((k = (0, utils_js_1.copyBytes)(key)))
      sigma = sigma32_32
    } else if (l === 16 && allowShortKeys) {
      k = new Uint8Array(32)
      k.set(key)
      k.set(key, 16)
      sigma = sigma16_32
      toClean.push(k)
    } else {
      ;(0, utils_js_1.abytes)(key, 32, 'arx key')
      throw new Error('invalid key size')
    }
    if (!utils_js_1.isLE || !(0, utils_js_1.isAligned32)(nonce))
      toClean.push((nonce = (0, utils_js_1.copyBytes)(nonce)))
    let k32 = (0, utils_js_1.u32)(k)
    if (extendNonceFn) {
      if (nonce.length !== 24) throw new Error('arx: extended nonce must be 24 bytes')
      const n16 = nonce.subarray(0, 16)
      if (utils_js_1.isLE) extendNonceFn(sigma, k32, (0, utils_js_1.u32)(n16), k32)
      else {
        const sigmaRaw = (0, utils_js_1.swap32IfBE)(Uint32Array.from(sigma))
        extendNonceFn(sigmaRaw, k32, (0, utils_js_1.u32)(n16), k32)
        ;(0, utils_js_1.clean)(sigmaRaw)
        ;(0, utils_js_1.swap32IfBE)(k32)
      }
      nonce = nonce.subarray(16)
    } else if (!utils_js_1.isLE) (0, utils_js_1.swap32IfBE)(k32)
    const nonceNcLen = 16 - counterLength
    if (nonceNcLen !== nonce.length) throw new Error(`arx: nonce must be ${nonceNcLen} or 16 bytes`)
    if (nonceNcLen !== 12) {
      const nc = new Uint8Array(12)
      nc.set(nonce, counterRight ? 0 : 12 - nonce.length)
      nonce = nc
      toClean.push(nonce)
    }
    const n32 = (0, utils_js_1.swap32IfBE)((0, utils_js_1.u32)(nonce))
    try {
      runCipher(core, sigma, k32, n32, data, output, counter, rounds)
      return output
    } finally {
      ;(0, utils_js_1.clean)(...toClean)
    }
  }
}
class _XorStreamPRG {
  blockLen
  keyLen
  nonceLen
  state
  buf
  key
  nonce
  pos
  ctr
  cipher
  destroyed = false
  constructor(cipher, blockLen, keyLen, nonceLen, seed) {
    this.cipher = cipher
    this.blockLen = blockLen
    this.keyLen = keyLen
    this.nonceLen = nonceLen
    this.state = new Uint8Array(this.keyLen + this.nonceLen)
    this.reseed(seed)
    this.ctr = 0
    this.pos = this.blockLen
    this.buf = new Uint8Array(this.blockLen)
    this.key = this.state.subarray(0, this.keyLen)
    this.nonce = this.state.subarray(this.keyLen)
  }
  reseed(seed) {
    ;(0, utils_js_1.abytes)(seed, undefined, 'seed')
    if (!seed || seed.length === 0) throw new Error('entropy required')
    for (let i = 0; i < seed.length; i++) this.state[i % this.state.length] ^= seed[i]
    this.ctr = 0
    this.pos = this.blockLen
  }
  addEntropy(seed) {
    if (this.destroyed) throw new Error('cannot use destroyed PRG')
    ;(0, utils_js_1.abytes)(seed, undefined, 'seed')
    if (seed.length === 0) throw new Error('entropy required')
    this.state.set(this.randomBytes(this.state.length))
    this.reseed(seed)
  }
  randomBytes(len) {
    if (this.destroyed) throw new Error('cannot use destroyed PRG')
    ;(0, utils_js_1.anumber)(len)
    if (len === 0) return new Uint8Array(0)
    const avail = this.pos < this.blockLen ? this.blockLen - this.pos : 0
    const blocks = Math.ceil(Math.max(0, len - avail) / this.blockLen)
    if (blocks > 0 && this.ctr > MAX_COUNTER - blocks) throw new Error('arx: counter overflow')
    const out = new Uint8Array(len)
    let outPos = 0
    if (this.pos < this.blockLen) {
      const take = Math.min(len, this.blockLen - this.pos)
      out.set(this.buf.subarray(this.pos, this.pos + take), 0)
      this.pos += take
      outPos += take
      if (outPos === len) return out
    }
    const full = Math.floor((len - outPos) / this.blockLen)
    if (full > 0) {
      const blockBytes = full * this.blockLen
      const b = out.subarray(outPos, outPos + blockBytes)
      this.cipher(this.key, this.nonce, b, b, this.ctr)
      this.ctr += full
      outPos += blockBytes
    }
    const left = len - outPos
    if (left > 0) {
      this.buf.fill(0)
      this.cipher(this.key, this.nonce, this.buf, this.buf, this.ctr++)
      out.set(this.buf.subarray(0, left), outPos)
      this.pos = left
    }
    return out
  }
  clone() {
    if (this.destroyed) throw new Error('cannot use destroyed PRG')
    return new _XorStreamPRG(
      this.cipher,
      this.blockLen,
      this.keyLen,
      this.nonceLen,
      this.randomBytes(this.state.length),
    )
  }
  clean() {
    this.pos = 0
    this.ctr = 0
    this.buf.fill(0)
    this.state.fill(0)
    this.destroyed = true
  }
}
exports._XorStreamPRG = _XorStreamPRG
const createPRG = (cipher, blockLen, keyLen, nonceLen) => {
  return (seed = (0, utils_js_1.randomBytes)(32)) => new _XorStreamPRG(cipher, blockLen, keyLen, nonceLen, seed)
}
exports.createPRG = createPRG
