'use strict'
Object.defineProperty(exports, '__esModule', { value: true })
exports.SHA512_IV = exports.SHA384_IV = exports.SHA224_IV = exports.SHA256_IV = exports.HashMD = void 0
exports.Chi = Chi
exports.Maj = Maj
const _u64_js_1 = require('./_u64.js')
const utils_js_1 = require('./utils.js')
function Chi(a, b, c) {
  return (a & b) ^ (~a & c)
}
function Maj(a, b, c) {
  return (a & b) ^ (a & c) ^ (b & c)
}
class HashMD {
  blockLen
  outputLen
  canXOF = false
  padOffset
  isLE
  buffer
  view
  finished = false
  length = 0
  pos = 0
  destroyed = false
  constructor(blockLen, outputLen, padOffset, isLE) {
    this.blockLen = blockLen
    this.outputLen = outputLen
    this.padOffset = padOffset
    this.isLE = isLE
    this.buffer = new Uint8Array(blockLen)
    this.view = (0, utils_js_1.createView)(this.buffer)
  }
  update(data) {
    ;(0, utils_js_1.aexists)(this)
    ;(0, utils_js_1.abytes)(data)
    const { view, buffer, blockLen } = this
    const len = data.length
    let processed = false
    for (let pos = 0; pos < len;) {
      const take = Math.min(blockLen - this.pos, len - pos)
      if (take === blockLen) {
        const dataView = (0, utils_js_1.createView)(data)
        for (; blockLen <= len - pos; pos += blockLen) this.process(dataView, pos)
        processed = true
        continue
      }
      buffer.set(pos === 0 && take === len ? data : data.subarray(pos, pos + take), this.pos)
      this.pos += take
      pos += take
      if (this.pos === blockLen) {
        this.process(view, 0)
        this.pos = 0
        processed = true
      }
    }
    this.length += data.length
    if (processed) this.roundClean()
    return this
  }
  digestInto(out) {
    ;(0, utils_js_1.aexists)(this)
    ;(0, utils_js_1.aoutput)(out, this)
    this.finished = true
    const { buffer, view, blockLen, isLE } = this
    let { pos } = this
    buffer[pos++] = 0b10000000
    buffer.fill(0, pos)
    if (this.padOffset > blockLen - pos) {
      this.process(view, 0)
      buffer.fill(0)
    }
    ;(0, _u64_js_1.setU64FromNum)(view, blockLen - 8, this.length * 8, isLE)
    this.process(view, 0)
    this.roundClean()
    const oview = out === buffer ? view : (0, utils_js_1.createView)(out)
    const len = this.outputLen
    const outLen = len / 4
    const state = this.get()
    if (len % 4 || outLen > state.length) throw new Error('invalid outputLen')
    for (let i = 0; i < outLen; i++) oview.setUint32(4 * i, state[i], isLE)
  }
  digest() {
    const { buffer, outputLen } = this
    this.digestInto(buffer)
    const res = buffer.slice(0, outputLen)
    this.destroy()
    return res
  }
  _cloneIntoMeta(to) {
    const { buffer, length, finished, destroyed, pos } = this
    to.destroyed = destroyed
    to.finished = finished
    to.length = length
    to.pos = pos
    if (pos) to.buffer.set(buffer)
    return to
  }
  clone() {
    return this._cloneInto()
  }
}
exports.HashMD = HashMD
exports.SHA256_IV = Uint32Array.from([
  0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
])
exports.SHA224_IV = Uint32Array.from([
  0xc1059ed8, 0x367cd507, 0x3070dd17, 0xf70e5939, 0xffc00b31, 0x68581511, 0x64f98fa7, 0xbefa4fa4,
])
exports.SHA384_IV = Uint32Array.from([
  0xcbbb9d5d, 0xc1059ed8, 0x629a292a, 0x367cd507, 0x9159015a, 0x3070dd17, 0x152fecd8, 0xf70e5939, 0x67332667,
  0xffc00b31, 0x8eb44a87, 0x68581511, 0xdb0c2e0d, 0x64f98fa7, 0x47b5481d, 0xbefa4fa4,
])
exports.SHA512_IV = Uint32Array.from([
  0x6a09e667, 0xf3bcc908, 0xbb67ae85, 0x84caa73b, 0x3c6ef372, 0xfe94f82b, 0xa54ff53a, 0x5f1d36f1, 0x510e527f,
  0xade682d1, 0x9b05688c, 0x2b3e6c1f, 0x1f83d9ab, 0xfb41bd6b, 0x5be0cd19, 0x137e2179,
])
