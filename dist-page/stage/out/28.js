'use strict'
Object.defineProperty(exports, '__esModule', { value: true })
exports.scrypt = scrypt
exports.scryptAsync = scryptAsync
const pbkdf2_js_1 = require('./pbkdf2.js')
const sha2_js_1 = require('./sha2.js')
const utils_js_1 = require('./utils.js')
function XorAndSalsa(prev, pi, input, ii, out, oi) {
  let y00 = prev[pi++] ^ input[ii++],
    y01 = prev[pi++] ^ input[ii++]
  let y02 = prev[pi++] ^ input[ii++],
    y03 = prev[pi++] ^ input[ii++]
  let y04 = prev[pi++] ^ input[ii++],
    y05 = prev[pi++] ^ input[ii++]
  let y06 = prev[pi++] ^ input[ii++],
    y07 = prev[pi++] ^ input[ii++]
  let y08 = prev[pi++] ^ input[ii++],
    y09 = prev[pi++] ^ input[ii++]
  let y10 = prev[pi++] ^ input[ii++],
    y11 = prev[pi++] ^ input[ii++]
  let y12 = prev[pi++] ^ input[ii++],
    y13 = prev[pi++] ^ input[ii++]
  let y14 = prev[pi++] ^ input[ii++],
    y15 = prev[pi++] ^ input[ii++]
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
  for (let i = 0; i < 8; i += 2) {
    x04 ^= (0, utils_js_1.rotl)((x00 + x12) | 0, 7)
    x08 ^= (0, utils_js_1.rotl)((x04 + x00) | 0, 9)
    x12 ^= (0, utils_js_1.rotl)((x08 + x04) | 0, 13)
    x00 ^= (0, utils_js_1.rotl)((x12 + x08) | 0, 18)
    x09 ^= (0, utils_js_1.rotl)((x05 + x01) | 0, 7)
    x13 ^= (0, utils_js_1.rotl)((x09 + x05) | 0, 9)
    x01 ^= (0, utils_js_1.rotl)((x13 + x09) | 0, 13)
    x05 ^= (0, utils_js_1.rotl)((x01 + x13) | 0, 18)
    x14 ^= (0, utils_js_1.rotl)((x10 + x06) | 0, 7)
    x02 ^= (0, utils_js_1.rotl)((x14 + x10) | 0, 9)
    x06 ^= (0, utils_js_1.rotl)((x02 + x14) | 0, 13)
    x10 ^= (0, utils_js_1.rotl)((x06 + x02) | 0, 18)
    x03 ^= (0, utils_js_1.rotl)((x15 + x11) | 0, 7)
    x07 ^= (0, utils_js_1.rotl)((x03 + x15) | 0, 9)
    x11 ^= (0, utils_js_1.rotl)((x07 + x03) | 0, 13)
    x15 ^= (0, utils_js_1.rotl)((x11 + x07) | 0, 18)
    x01 ^= (0, utils_js_1.rotl)((x00 + x03) | 0, 7)
    x02 ^= (0, utils_js_1.rotl)((x01 + x00) | 0, 9)
    x03 ^= (0, utils_js_1.rotl)((x02 + x01) | 0, 13)
    x00 ^= (0, utils_js_1.rotl)((x03 + x02) | 0, 18)
    x06 ^= (0, utils_js_1.rotl)((x05 + x04) | 0, 7)
    x07 ^= (0, utils_js_1.rotl)((x06 + x05) | 0, 9)
    x04 ^= (0, utils_js_1.rotl)((x07 + x06) | 0, 13)
    x05 ^= (0, utils_js_1.rotl)((x04 + x07) | 0, 18)
    x11 ^= (0, utils_js_1.rotl)((x10 + x09) | 0, 7)
    x08 ^= (0, utils_js_1.rotl)((x11 + x10) | 0, 9)
    x09 ^= (0, utils_js_1.rotl)((x08 + x11) | 0, 13)
    x10 ^= (0, utils_js_1.rotl)((x09 + x08) | 0, 18)
    x12 ^= (0, utils_js_1.rotl)((x15 + x14) | 0, 7)
    x13 ^= (0, utils_js_1.rotl)((x12 + x15) | 0, 9)
    x14 ^= (0, utils_js_1.rotl)((x13 + x12) | 0, 13)
    x15 ^= (0, utils_js_1.rotl)((x14 + x13) | 0, 18)
  }
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
function BlockMix(input, ii, out, oi, r) {
  let head = oi + 0
  let tail = oi + 16 * r
  for (let i = 0; i < 16; i++) out[tail + i] = input[ii + (2 * r - 1) * 16 + i]
  for (let i = 0; i < r; i++, head += 16, ii += 16) {
    XorAndSalsa(out, tail, input, ii, out, head)
    if (i > 0) tail += 16
    XorAndSalsa(out, head, input, (ii += 16), out, tail)
  }
}
const SCRYPT_DEFAULT_MAXMEM = 128 * 8 * (2 ** 20 + 1 + 1)
function scryptInit(password, salt, _opts) {
  const opts = (0, utils_js_1.checkOpts)(
    {
      dkLen: 32,
      asyncTick: 10,
      maxmem: SCRYPT_DEFAULT_MAXMEM,
    },
    _opts,
  )
  const { N, r, p, dkLen, asyncTick, maxmem, onProgress } = opts
  ;(0, utils_js_1.anumber)(N, 'N')
  ;(0, utils_js_1.anumber)(r, 'r')
  ;(0, utils_js_1.anumber)(p, 'p')
  ;(0, utils_js_1.anumber)(dkLen, 'dkLen')
  ;(0, utils_js_1.anumber)(asyncTick, 'asyncTick')
  ;(0, utils_js_1.anumber)(maxmem, 'maxmem')
  if (onProgress !== undefined && typeof onProgress !== 'function') throw new Error('"onProgress" must be a function')
  if (r < 1) throw new Error('"r" expected integer >= 1')
  const blockSize = 128 * r
  const blockSize32 = blockSize / 4
  const pow32 = Math.pow(2, 32)
  if (N <= 1 || (N & (N - 1)) !== 0 || N > pow32) throw new Error('"N" expected a power of 2, and 2^1 <= N <= 2^32')
  if (p < 1 || p > ((pow32 - 1) * 32) / blockSize)
    throw new Error('"p" expected integer 1..((2^32 - 1) * 32) / (128 * r)')
  if (dkLen < 1 || dkLen > (pow32 - 1) * 32) throw new Error('"dkLen" expected integer 1..(2^32 - 1) * 32')
  const memUsed = blockSize * (N + p + 1)
  if (memUsed > maxmem)
    throw new Error('"maxmem" limit was hit: memUsed(128*r*(N+p+1))=' + memUsed + ', maxmem=' + maxmem)
  const B = (0, pbkdf2_js_1.pbkdf2)(sha2_js_1.sha256, password, salt, { c: 1, dkLen: blockSize * p })
  const B32 = (0, utils_js_1.u32)(B)
  const V = (0, utils_js_1.u32)(new Uint8Array(blockSize * N))
  const tmp = (0, utils_js_1.u32)(new Uint8Array(blockSize))
  let blockMixCb = () => {}
  if (onProgress) {
    const totalBlockMix = 2 * N * p
    const callbackPer = Math.max(Math.floor(totalBlockMix / 10000), 1)
    let blockMixCnt = 0
    blockMixCb = () => {
      blockMixCnt++
      if (onProgress && (!(blockMixCnt % callbackPer) || blockMixCnt === totalBlockMix)) {
        try {
          onProgress(blockMixCnt / totalBlockMix)
        } catch (e) {
          ;(0, utils_js_1.clean)(B, V, tmp)
          throw e
        }
      }
    }
  }
  return { N, r, p, dkLen, blockSize32, V, B32, B, tmp, blockMixCb, asyncTick }
}
function scryptOutput(password, dkLen, B, V, tmp) {
  const res = (0, pbkdf2_js_1.pbkdf2)(sha2_js_1.sha256, password, B, { c: 1, dkLen })
  ;(0, utils_js_1.clean)(B, V, tmp)
  return res
}
function scrypt(password, salt, opts) {
  const { N, r, p, dkLen, blockSize32, V, B32, B, tmp, blockMixCb } = scryptInit(password, salt, opts)
  ;(0, utils_js_1.swap32IfBE)(B32)
  for (let pi = 0; pi < p; pi++) {
    const Pi = blockSize32 * pi
    for (let i = 0; i < blockSize32; i++) V[i] = B32[Pi + i]
    for (let i = 0, pos = 0; i < N - 1; i++) {
      BlockMix(V, pos, V, (pos += blockSize32), r)
      blockMixCb()
    }
    BlockMix(V, (N - 1) * blockSize32, B32, Pi, r)
    blockMixCb()
    for (let i = 0; i < N; i++) {
      const j = (B32[Pi + blockSize32 - 16] & (N - 1)) >>> 0
      for (let k = 0; k < blockSize32; k++) tmp[k] = B32[Pi + k] ^ V[j * blockSize32 + k]
      BlockMix(tmp, 0, B32, Pi, r)
      blockMixCb()
    }
  }
  ;(0, utils_js_1.swap32IfBE)(B32)
  return scryptOutput(password, dkLen, B, V, tmp)
}
async function scryptAsync(password, salt, opts) {
  const { N, r, p, dkLen, blockSize32, V, B32, B, tmp, blockMixCb, asyncTick } = scryptInit(password, salt, opts)
  const abort = () => (0, utils_js_1.clean)(B, V, tmp)
  ;(0, utils_js_1.swap32IfBE)(B32)
  for (let pi = 0; pi < p; pi++) {
    const Pi = blockSize32 * pi
    for (let i = 0; i < blockSize32; i++) V[i] = B32[Pi + i]
    let pos = 0
    await (0, utils_js_1.asyncLoop)(
      N - 1,
      asyncTick,
      () => {
        BlockMix(V, pos, V, (pos += blockSize32), r)
        blockMixCb()
      },
      abort,
    )
    BlockMix(V, (N - 1) * blockSize32, B32, Pi, r)
    blockMixCb()
    await (0, utils_js_1.asyncLoop)(
      N,
      asyncTick,
      () => {
        const j = (B32[Pi + blockSize32 - 16] & (N - 1)) >>> 0
        for (let k = 0; k < blockSize32; k++) tmp[k] = B32[Pi + k] ^ V[j * blockSize32 + k]
        BlockMix(tmp, 0, B32, Pi, r)
        blockMixCb()
      },
      abort,
    )
  }
  ;(0, utils_js_1.swap32IfBE)(B32)
  return scryptOutput(password, dkLen, B, V, tmp)
}
