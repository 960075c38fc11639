'use strict'
Object.defineProperty(exports, '__esModule', { value: true })
exports.hkdf = void 0
exports.extract = extract
exports.expand = expand
const hmac_js_1 = require('./hmac.js')
const utils_js_1 = require('./utils.js')
function extract(hash, ikm, salt) {
  ;(0, utils_js_1.ahash)(hash)
  if (salt === undefined) salt = new Uint8Array(hash.outputLen)
  return (0, hmac_js_1.hmac)(hash, salt, ikm)
}
const HKDF_COUNTER = Uint8Array.of(0)
const EMPTY_BUFFER = Uint8Array.of()
function expand(hash, prk, info, length = 32, _recycled) {
  ;(0, utils_js_1.ahash)(hash)
  ;(0, utils_js_1.anumber)(length, 'length')
  ;(0, utils_js_1.abytes)(prk, undefined, 'prk')
  const olen = hash.outputLen
  if (prk.length < olen) throw new Error('"prk" must be at least HashLen octets')
  if (length > 255 * olen) throw new Error('Length must be <= 255*HashLen')
  const blocks = Math.ceil(length / olen)
  if (info === undefined) info = EMPTY_BUFFER
  else (0, utils_js_1.abytes)(info, undefined, 'info')
  if (!blocks) {
    if (_recycled) (0, utils_js_1.clean)(prk)
    return new Uint8Array()
  }
  const okm = _recycled && blocks === 1 ? prk : new Uint8Array(blocks * olen)
  const { iHash, oHash } = hmac_js_1.hmac.create(hash, prk)
  const T = _recycled ? prk : new Uint8Array(olen)
  const worker = blocks > 1 ? _recycled?.iHash || hash.create() : undefined
  for (let counter = 0; counter < blocks - 1; counter++) {
    HKDF_COUNTER[0] = counter + 1
    const iWork = iHash._cloneInto(worker)
    if (counter) iWork.update(T)
    iWork.update(info).update(HKDF_COUNTER).digestInto(T)
    oHash._cloneInto(worker).update(T).digestInto(T)
    okm.set(T, olen * counter)
  }
  HKDF_COUNTER[0] = blocks
  if (blocks > 1) iHash.update(T)
  iHash.update(info).update(HKDF_COUNTER).digestInto(T)
  oHash.update(T).digestInto(T)
  okm.set(T, olen * (blocks - 1))
  iHash.destroy()
  oHash.destroy()
  worker?.destroy()
  if (T !== okm) (0, utils_js_1.clean)(T)
  ;(0, utils_js_1.clean)(HKDF_COUNTER)
  if (length === okm.length) return okm
  const res = okm.slice(0, length)
  ;(0, utils_js_1.clean)(okm)
  return res
}
const hkdf = (hash, ikm, salt, info, length) => {
  ;(0, utils_js_1.ahash)(hash)
  if (salt === undefined) salt = new Uint8Array(hash.outputLen)
  const HMAC = hmac_js_1.hmac.create(hash, salt).update(ikm)
  return expand(hash, HMAC.digest(), info, length, HMAC)
}
exports.hkdf = hkdf
