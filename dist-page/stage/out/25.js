'use strict'
Object.defineProperty(exports, '__esModule', { value: true })
exports.encode = encode
exports.decode = decode
const base_1 = require('@scure/base')
const index_js_1 = require('./index.js')
function encode(file) {
  const lines = []
  lines.push('-----BEGIN AGE ENCRYPTED FILE-----\n')
  for (let i = 0; i < file.length; i += 48) {
    let end = i + 48
    if (end > file.length) end = file.length
    lines.push(base_1.base64.encode(file.subarray(i, end)) + '\n')
  }
  lines.push('-----END AGE ENCRYPTED FILE-----\n')
  return lines.join('')
}
function decode(file) {
  const lines = file.trim().replaceAll('\r\n', '\n').split('\n')
  if (lines.shift() !== '-----BEGIN AGE ENCRYPTED FILE-----') {
    throw Error('invalid header')
  }
  if (lines.pop() !== '-----END AGE ENCRYPTED FILE-----') {
    throw Error('invalid footer')
  }
  function isLineLengthValid(i, l) {
    if (i === lines.length - 1) {
      return l.length > 0 && l.length <= 64 && l.length % 4 === 0
    }
    return l.length === 64
  }
  if (!lines.every((l, i) => isLineLengthValid(i, l))) {
    throw Error('invalid line length')
  }
  if (!lines.every((l) => /^[A-Za-z0-9+/=]+$/.test(l))) {
    throw Error('invalid base64')
  }
  return base_1.base64.decode(lines.join(''))
}
