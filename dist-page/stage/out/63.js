'use strict'
Object.defineProperty(exports, '__esModule', { value: true })
exports.hmac = exports._HMAC = void 0
const utils_js_1 = require('./utils.js')
class _HMAC {
  oHash
  iHash
  blockLen
  outputLen
  finished = false
  destroyed = false
  constructor(hash, key) {
    ;(0, utils_js_1.ahash)(hash)
    ;(0, utils_js_1.abytes)(key, undefined, 'key')
    this.iHash = hash.create()
    if (typeof this.iHash.update !== 'function') throw new Error('Expected instance of class which extends utils.Hash')
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
    ;(0, utils_js_1.abytes)(out, this.outputLen, 'output')
    this.finished = true
    this.iHash.digestInto(out)
    this.oHash.update(out)
    this.oHash.digestInto(out)
    this.destroy()
  }
  digest() {
    const out = new Uint8Array(this.oHash.outputLen)
    this.digestInto(out)
    return out
  }
  _cloneInto(to) {
    to ||= Object.create(Object.getPrototypeOf(this), {})
    const { oHash, iHash, finished, destroyed, blockLen, outputLen } = this
    to = to
    to.finished = finished
    to.destroyed = destroyed
    to.blockLen = blockLen
    to.outputLen = outputLen
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
const hmac = (hash, key, message) => new _HMAC(hash, key).update(message).digest()
exports.hmac = hmac
exports.hmac.create = (hash, key) => new _HMAC(hash, key)
