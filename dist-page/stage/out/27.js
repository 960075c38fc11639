'use strict'
Object.defineProperty(exports, '__esModule', { value: true })
exports.rngChacha8 =
  exports.rngChacha20 =
  exports.xchacha20poly1305 =
  exports.chacha20poly1305 =
  exports._poly1305_aead =
  exports.__TESTS =
  exports.chacha12 =
  exports.chacha8 =
  exports.xchacha20 =
  exports.chacha20 =
  exports.chacha20orig =
    void 0
exports.hchacha = hchacha
const _arx_js_1 = require('./_arx.js')
const _poly1305_js_1 = require('./_poly1305.js')
const utils_js_1 = require('./utils.js')
function chachaCore(s, k, n, out, cnt, rounds = 20) {
  let y00 = s[0],
    y01 = s[1],
    y02 = s[2],
    y03 = s[3],
    y04 = k[0],
    y05 = k[1],
    y06 = k[2],
    y07 = k[3],
    y08 = k[4],
    y09 = k[5],
    y10 = k[6],
    y11 = k[7],
    y12 = cnt,
    y13 = n[0],
    y14 = n[1],
    y15 = n[2]
  let x00 = y00,
    x01 = y01,
    x02 = y02,
    x03 = y03,
    x04 = y04,
    x05 = y05,
    x06 = y06,
    x07 = y07,
    x08 = y08,
    x09 = y09,
    x10 = y10,
    x11 = y11,
    x12 = y12,
    x13 = y13,
    x14 = y14,
    x15 = y15
  for (let r = 0; r < rounds; r += 2) {
    x00 = (x00 + x04) | 0
    x12 = (0, _arx_js_1.rotl)(x12 ^ x00, 16)
    x08 = (x08 + x12) | 0
    x04 = (0, _arx_js_1.rotl)(x04 ^ x08, 12)
    x00 = (x00 + x04) | 0
    x12 = (0, _arx_js_1.rotl)(x12 ^ x00, 8)
    x08 = (x08 + x12) | 0
    x04 = (0, _arx_js_1.rotl)(x04 ^ x08, 7)
    x01 = (x01 + x05) | 0
    x13 = (0, _arx_js_1.rotl)(x13 ^ x01, 16)
    x09 = (x09 + x13) | 0
    x05 = (0, _arx_js_1.rotl)(x05 ^ x09, 12)
    x01 = (x01 + x05) | 0
    x13 = (0, _arx_js_1.rotl)(x13 ^ x01, 8)
    x09 = (x09 + x13) | 0
    x05 = (0, _arx_js_1.rotl)(x05 ^ x09, 7)
    x02 = (x02 + x06) | 0
    x14 = (0, _arx_js_1.rotl)(x14 ^ x02, 16)
    x10 = (x10 + x14) | 0
    x06 = (0, _arx_js_1.rotl)(x06 ^ x10, 12)
    x02 = (x02 + x06) | 0
    x14 = (0, _arx_js_1.rotl)(x14 ^ x02, 8)
    x10 = (x10 + x14) | 0
    x06 = (0, _arx_js_1.rotl)(x06 ^ x10, 7)
    x03 = (x03 + x07) | 0
    x15 = (0, _arx_js_1.rotl)(x15 ^ x03, 16)
    x11 = (x11 + x15) | 0
    x07 = (0, _arx_js_1.rotl)(x07 ^ x11, 12)
    x03 = (x03 + x07) | 0
    x15 = (0, _arx_js_1.rotl)(x15 ^ x03, 8)
    x11 = (x11 + x15) | 0
    x07 = (0, _arx_js_1.rotl)(x07 ^ x11, 7)
    x00 = (x00 + x05) | 0
    x15 = (0, _arx_js_1.rotl)(x15 ^ x00, 16)
    x10 = (x10 + x15) | 0
    x05 = (0, _arx_js_1.rotl)(x05 ^ x10, 12)
    x00 = (x00 + x05) | 0
    x15 = (0, _arx_js_1.rotl)(x15 ^ x00, 8)
    x10 = (x10 + x15) | 0
    x05 = (0, _arx_js_1.rotl)(x05 ^ x10, 7)
    x01 = (x01 + x06) | 0
    x12 = (0, _arx_js_1.rotl)(x12 ^ x01, 16)
    x11 = (x11 + x12) | 0
    x06 = (0, _arx_js_1.rotl)(x06 ^ x11, 12)
    x01 = (x01 + x06) | 0
    x12 = (0, _arx_js_1.rotl)(x12 ^ x01, 8)
    x11 = (x11 + x12) | 0
    x06 = (0, _arx_js_1.rotl)(x06 ^ x11, 7)
    x02 = (x02 + x07) | 0
    x13 = (0, _arx_js_1.rotl)(x13 ^ x02, 16)
    x08 = (x08 + x13) | 0
    x07 = (0, _arx_js_1.rotl)(x07 ^ x08, 12)
    x02 = (x02 + x07) | 0
    x13 = (0, _arx_js_1.rotl)(x13 ^ x02, 8)
    x08 = (x08 + x13) | 0
    x07 = (0, _arx_js_1.rotl)(x07 ^ x08, 7)
    x03 = (x03 + x04) | 0
    x14 = (0, _arx_js_1.rotl)(x14 ^ x03, 16)
    x09 = (x09 + x14) | 0
    x04 = (0, _arx_js_1.rotl)(x04 ^ x09, 12)
    x03 = (x03 + x04) | 0
    x14 = (0, _arx_js_1.rotl)(x14 ^ x03, 8)
    x09 = (x09 + x14) | 0
    x04 = (0, _arx_js_1.rotl)(x04 ^ x09, 7)
  }
  let oi = 0
  out[oi++] = (y00 + x00) | 0
  out[oi++] = (y01 + x01) | 0
  out[oi++] = (y02 + x02) | 0
  out[oi++] = (y03 + x03) | 0
  out[oi++] = (y04 + x04) | 0
  out[oi++] = (y05 + x05) | 0
  out[oi++] = (y06 + x06) | 0
  out[oi++] = (y07 + x07) | 0
  out[oi++] = (y08 + x08) | 0
  out[oi++] = (y09 + x09) | 0
  out[oi++] = (y10 + x10) | 0
  out[oi++] = (y11 + x11) | 0
  out[oi++] = (y12 + x12) | 0
  out[oi++] = (y13 + x13) | 0
  out[oi++] = (y14 + x14) | 0
  out[oi++] = (y15 + x15) | 0
}
function hchacha(s, k, i, out) {
  const s2 = utils_js_1.isLE ? s : (0, utils_js_1.swap32IfBE)(s.slice(0, 4))
  const k2 = utils_js_1.isLE ? k : (0, utils_js_1.swap32IfBE)(k.slice(0, 8))
  const i2 = utils_js_1.isLE ? i : (0, utils_js_1.swap32IfBE)(i.slice(0, 4))
  const t = new Uint32Array(16)
  chachaCore(s2, k2, i2.subarray(1), t, i2[0])
  let oi = 0
  out[oi++] = (t[0] - s2[0]) | 0
  out[oi++] = (t[1] - s2[1]) | 0
  out[oi++] = (t[2] - s2[2]) | 0
  out[oi++] = (t[3] - s2[3]) | 0
  out[oi++] = (t[12] - i2[0]) | 0
  out[oi++] = (t[13] - i2[1]) | 0
  out[oi++] = (t[14] - i2[2]) | 0
  out[oi++] = (t[15] - i2[3]) | 0
  ;(0, utils_js_1.swap32IfBE)(out)
  if (!utils_js_1.isLE) (0, utils_js_1.clean)(s2, k2, i2)
  ;(0, utils_js_1.clean)(t)
}
exports.chacha20orig = (0, _arx_js_1.createCipher)(chachaCore, {
  counterRight: false,
  counterLength: 8,
  allowShortKeys: true,
})
exports.chacha20 = (0, _arx_js_1.createCipher)(chachaCore, {
  counterRight: false,
  counterLength: 4,
  allowShortKeys: false,
})
exports.xchacha20 = (0, _arx_js_1.createCipher)(chachaCore, {
  counterRight: false,
  counterLength: 8,
  extendNonceFn: hchacha,
  allowShortKeys: false,
})
exports.chacha8 = (0, _arx_js_1.createCipher)(chachaCore, {
  counterRight: false,
  counterLength: 4,
  rounds: 8,
})
exports.chacha12 = (0, _arx_js_1.createCipher)(chachaCore, {
  counterRight: false,
  counterLength: 4,
  rounds: 12,
})
exports.__TESTS = Object.freeze({ chachaCore })
const ZEROS16 = new Uint8Array(16)
const updatePadded = (h, msg) => {
  h.update(msg)
  const leftover = msg.length % 16
  if (leftover) h.update(ZEROS16.subarray(leftover))
}
const ZEROS32 = new Uint8Array(32)
function computeTag(fn, key, nonce, ciphertext, AAD) {
  if (AAD !== undefined) (0, utils_js_1.abytes)(AAD, undefined, 'AAD')
  const authKey = fn(key, nonce, ZEROS32)
  const lengths = (0, utils_js_1.u64Lengths)(ciphertext.length, AAD ? AAD.length : 0, true)
  const h = _poly1305_js_1.poly1305.create(authKey)
  if (AAD) updatePadded(h, AAD)
  updatePadded(h, ciphertext)
  h.update(lengths)
  const res = h.digest()
  ;(0, utils_js_1.clean)(authKey, lengths)
  return res
}
const _poly1305_aead = (xorStream) => (key, nonce, AAD) => {
  const tagLength = 16
  return {
    encrypt(plaintext, output) {
      const plength = plaintext.length
      output = (0, utils_js_1.getOutput)(plength + tagLength, output, false)
      output.set(plaintext)
      const oPlain = output.subarray(0, -tagLength)
      xorStream(key, nonce, oPlain, oPlain, 1)
      const tag = computeTag(xorStream, key, nonce, oPlain, AAD)
      output.set(tag, plength)
      ;(0, utils_js_1.clean)(tag)
      return output
    },
    decrypt(ciphertext, output) {
      output = (0, utils_js_1.getOutput)(ciphertext.length - tagLength, output, false)
      const data = ciphertext.subarray(0, -tagLength)
      const passedTag = ciphertext.subarray(-tagLength)
      const tag = computeTag(xorStream, key, nonce, data, AAD)
      if (!(0, utils_js_1.equalBytes)(passedTag, tag)) {
        ;(0, utils_js_1.clean)(tag)
        throw new Error('invalid tag')
      }
      output.set(ciphertext.subarray(0, -tagLength))
      xorStream(key, nonce, output, output, 1)
      ;(0, utils_js_1.clean)(tag)
      return output
    },
  }
}
exports._poly1305_aead = _poly1305_aead
exports.chacha20poly1305 = (0, utils_js_1.wrapCipher)(
  { blockSize: 64, nonceLength: 12, tagLength: 16, withAAD: true },
  (0, exports._poly1305_aead)(exports.chacha20),
)
exports.xchacha20poly1305 = (0, utils_js_1.wrapCipher)(
  { blockSize: 64, nonceLength: 24, tagLength: 16, withAAD: true },
  (0, exports._poly1305_aead)(exports.xchacha20),
)
exports.rngChacha20 = (0, _arx_js_1.createPRG)(exports.chacha20orig, 64, 32, 8)
exports.rngChacha8 = (0, _arx_js_1.createPRG)(exports.chacha8, 64, 32, 12)
