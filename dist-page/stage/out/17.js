'use strict'
Object.defineProperty(exports, '__esModule', { value: true })
exports.hmac = exports._HMAC = void 0
const utils_js_1 = require('./utils.js')
class _HMAC {
  oHash
  iHash
  blockLen
  outputLen
  canXOF = false
  finished = false
  destroyed = false
  constructor(hash, key) {
    ;(0, utils_js_1.ahash)(hash)
    ;(0, utils_js_1.abytes)(key, undefined, 'key')
    this.iHash = hash.create()
    if (typeof this.iHash.update !== 'function') throw new Error('expected Hash instance')
    this.blockLen = this.iHash.blockLen
    this.outputLen = this.iHash.outputLen
    const blockLen = this.blockLen
    const pad = new Uint8Array(blockLen)
    pad.set(key.length > blockLen ? hash.create().update(key).digest() : key)
    for (let i = 0; i < pad.length; i++) pad[i] ^= 0x36
    this.iHash.update(pad)
    this.oHash = hash.create()
    for (let i = 0; i < pad.length; i++) pad[i] ^= 0x36 ^ 0x5c
    this.oHash.update(pad)
    ;(0, utils_js_1.clean)(pad)
  }
  update(buf) {
    ;(0, utils_js_1.aexists)(this)
    this.iHash.update(buf)
    return this
  }
  digestInto(out) {
    ;(0, utils_js_1.aexists)(this)
    ;(0, utils_js_1.aoutput)(out, this)
    this.finished = true
    const buf = out.subarray(0, this.outputLen)
    this.iHash.digestInto(buf)
    this.oHash.update(buf)
    this.oHash.digestInto(buf)
    this.destroy()
  }
  digest() {
    const out = new Uint8Array(this.oHash.outputLen)
    this.digestInto(out)
    return out
  }
  _cloneInto(to) {
    to ||= Object.create(Object.getPrototypeOf(this), {})
    const { oHash, iHash, finished, destroyed, blockLen, outputLen, canXOF } = this
    to = to
    to.finished = finished
    to.destroyed = destroyed
    to.blockLen = blockLen
    to.outputLen = outputLen
    to.canXOF = canXOF
    to.oHash = oHash._cloneInto(to.oHash)
    to.iHash = iHash._cloneInto(to.iHash)
    return to
  }
  clone() {
    return this._cloneInto()
  }
  destroy() {
    this.destroyed = true
    this.oHash.destroy()
    this.iHash.destroy()
  }
}
exports._HMAC = _HMAC
exports.hmac = (() => {
  const hmac_ = (hash, key, message) => new _HMAC(hash, key).update(message).digest()
  hmac_.create = (hash, key) => new _HMAC(hash, key)
  return hmac_
})()
