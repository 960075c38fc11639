'use strict'
Object.defineProperty(exports, '__esModule', { value: true })
exports.pbkdf2 = pbkdf2
exports.pbkdf2Async = pbkdf2Async
const hmac_js_1 = require('./hmac.js')
const utils_js_1 = require('./utils.js')
function pbkdf2Init(hash, _password, _salt, _opts) {
  ;(0, utils_js_1.ahash)(hash)
  const opts = (0, utils_js_1.checkOpts)({ dkLen: 32, asyncTick: 10 }, _opts)
  const { c, dkLen, asyncTick } = opts
  ;(0, utils_js_1.anumber)(c, 'c')
  ;(0, utils_js_1.anumber)(dkLen, 'dkLen')
  ;(0, utils_js_1.anumber)(asyncTick, 'asyncTick')
  if (c < 1) throw new Error('"c" (iterations) must be >= 1')
  if (dkLen < 1) throw new Error('"dkLen" must be >= 1')
  if (dkLen > (2 ** 32 - 1) * hash.outputLen) throw new Error('derived key too long')
  const p = (0, utils_js_1.kdfInputToBytes)(_password, 'password')
  try {
    const s = (0, utils_js_1.kdfInputToBytes)(_salt, 'salt')
    try {
      const DK = new Uint8Array(dkLen)
      const { iHash, oHash, outputLen } = hmac_js_1.hmac.create(hash, p)
      const u = new Uint8Array(outputLen)
      const eng = pbkdf2Engine(iHash, oHash, s, u)
      return { c, dkLen, asyncTick, DK, outputLen, eng }
    } finally {
      if (typeof _salt === 'string') (0, utils_js_1.clean)(s)
    }
  } finally {
    if (typeof _password === 'string') (0, utils_js_1.clean)(p)
  }
}
function pbkdf2Engine(iHash, oHash, salt, u) {
  const counter = new Uint8Array(4)
  const view = (0, utils_js_1.createView)(counter)
  const salted = iHash._cloneInto().update(salt)
  const work = oHash._cloneInto()
  const iClone = iHash._cloneInto
  const oClone = oHash._cloneInto
  return {
    u1: (ti, Ti) => {
      view.setInt32(0, ti, false)
      salted._cloneInto(work).update(counter).digestInto(u)
      oHash._cloneInto(work).update(u).digestInto(u)
      Ti.set(u.subarray(0, Ti.length))
    },
    rounds: (c, Ti) => {
      for (let ui = 1; ui < c; ui++) {
        iClone.call(iHash, work).update(u).digestInto(u)
        oClone.call(oHash, work).update(u).digestInto(u)
        for (let i = 0; i < Ti.length; i++) Ti[i] ^= u[i]
      }
    },
    output: (DK) => {
      iHash.destroy()
      oHash.destroy()
      salted.destroy()
      work.destroy()
      ;(0, utils_js_1.clean)(u)
      return DK
    },
  }
}
function pbkdf2(hash, password, salt, opts) {
  const { c, dkLen, DK, outputLen, eng } = pbkdf2Init(hash, password, salt, opts)
  for (let ti = 1, pos = 0; pos < dkLen; ti++, pos += outputLen) {
    const Ti = DK.subarray(pos, pos + outputLen)
    eng.u1(ti, Ti)
    eng.rounds(c, Ti)
  }
  return eng.output(DK)
}
async function pbkdf2Async(hash, password, salt, opts) {
  const { c, dkLen, asyncTick, DK, outputLen, eng } = pbkdf2Init(hash, password, salt, opts)
  const abort = () => {
    eng.output(DK)
    ;(0, utils_js_1.clean)(DK)
  }
  for (let ti = 1, pos = 0; pos < dkLen; ti++, pos += outputLen) {
    const Ti = DK.subarray(pos, pos + outputLen)
    eng.u1(ti, Ti)
    await (0, utils_js_1.asyncLoop)(
      c - 1,
      asyncTick,
      () => {
        eng.rounds(2, Ti)
      },
      abort,
    )
  }
  return eng.output(DK)
}
