'use strict'
Object.defineProperty(exports, '__esModule', { value: true })
exports.DER = exports.DERErr = void 0
const utils_js_1 = require('../utils.js')
const _0n = BigInt(0)
class DERErr extends Error {
  constructor(m = '') {
    super(m)
  }
}
exports.DERErr = DERErr
const _DER = {
  Err: DERErr,
  _tlv: {
    encode: (tag, data) => {
      const { Err: E } = _DER
      ;(0, utils_js_1.asafenumber)(tag, 'tag')
      if (tag < 0 || tag > 255) throw new E('tlv.encode: wrong tag')
      ;(0, utils_js_1.astring)(data, 'data')
      if (data.length & 1) throw new E('tlv.encode: unpadded data')
      const dataLen = data.length / 2
      const len = (0, utils_js_1.numberToHexUnpadded)(dataLen)
      if ((len.length / 2) & 0b1000_0000) throw new E('tlv.encode: long form length too big')
      const lenLen = dataLen > 127 ? (0, utils_js_1.numberToHexUnpadded)((len.length / 2) | 0b1000_0000) : ''
      const t = (0, utils_js_1.numberToHexUnpadded)(tag)
      return t + lenLen + len + data
    },
    decode(tag, data) {
      const { Err: E } = _DER
      data = (0, utils_js_1.abytes)(data, undefined, 'DER data')
      let pos = 0
      if (tag < 0 || tag > 255) throw new E('tlv.decode: wrong tag')
      if (data.length < 2 || data[pos++] !== tag) throw new E('tlv.decode: wrong tlv')
      const first = data[pos++]
      const isLong = !!(first & 0b1000_0000)
      let length = 0
      if (!isLong) length = first
      else {
        const lenLen = first & 0b0111_1111
        if (!lenLen) throw new E('tlv.decode(long): indefinite length not supported')
        if (lenLen > 4) throw new E('tlv.decode(long): byte length is too big')
        const lengthBytes = data.subarray(pos, pos + lenLen)
        if (lengthBytes.length !== lenLen) throw new E('tlv.decode: length bytes not complete')
        if (lengthBytes[0] === 0) throw new E('tlv.decode(long): zero leftmost byte')
        for (const b of lengthBytes) length = (length << 8) | b
        pos += lenLen
        if (length < 128) throw new E('tlv.decode(long): not minimal encoding')
      }
      const v = data.subarray(pos, pos + length)
      if (v.length !== length) throw new E('tlv.decode: wrong value length')
      return { v, l: data.subarray(pos + length) }
    },
  },
  _int: {
    encode(num) {
      const { Err: E } = _DER
      ;(0, utils_js_1.abignumber)(num)
      if (num < _0n) throw new E('integer: negative integers are not allowed')
      let hex = (0, utils_js_1.numberToHexUnpadded)(num)
      if (Number.parseInt(hex[0], 16) & 0b1000) hex = '00' + hex
      if (hex.length & 1) throw new E('unexpected DER parsing assertion: unpadded hex')
      return hex
    },
    decode(data) {
      const { Err: E } = _DER
      if (data.length < 1) throw new E('invalid signature integer: empty')
      if (data[0] & 0b1000_0000) throw new E('invalid signature integer: negative')
      if (data.length > 1 && data[0] === 0x00 && !(data[1] & 0b1000_0000))
        throw new E('invalid signature integer: unnecessary leading zero')
      return (0, utils_js_1.bytesToNumberBE)(data)
    },
  },
  toSig(bytes, maxScalarBytes) {
    const { Err: E, _int: int, _tlv: tlv } = _DER
    if (maxScalarBytes !== undefined) {
      ;(0, utils_js_1.asafenumber)(maxScalarBytes, 'maxScalarBytes')
      if (maxScalarBytes < 1) throw new E('invalid signature: maxScalarBytes must be positive')
    }
    const data = (0, utils_js_1.abytes)(bytes, undefined, 'signature')
    const { v: seqBytes, l: seqLeftBytes } = tlv.decode(0x30, data)
    if (seqLeftBytes.length) throw new E('invalid signature: left bytes after parsing')
    const { v: rBytes, l: rLeftBytes } = tlv.decode(0x02, seqBytes)
    const { v: sBytes, l: sLeftBytes } = tlv.decode(0x02, rLeftBytes)
    if (sLeftBytes.length) throw new E('invalid signature: left bytes after parsing')
    if (maxScalarBytes !== undefined && (rBytes.length > maxScalarBytes || sBytes.length > maxScalarBytes))
      throw new E('invalid signature: integer too large')
    return { r: int.decode(rBytes), s: int.decode(sBytes) }
  },
  hexFromSig(sig) {
    const { _tlv: tlv, _int: int } = _DER
    ;(0, utils_js_1.validateObject)(sig, { r: 'bigint', s: 'bigint' }, {}, 'sig')
    const rs = tlv.encode(0x02, int.encode(sig.r))
    const ss = tlv.encode(0x02, int.encode(sig.s))
    const seq = rs + ss
    return tlv.encode(0x30, seq)
  },
}
exports.DER = (() => {
  Object.freeze(_DER._tlv)
  Object.freeze(_DER._int)
  return Object.freeze(_DER)
})()
