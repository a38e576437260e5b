import { promisify } from 'node:util';
import { constants, zstdCompress, zstdCompressSync, zstdDecompress } from 'node:zlib';
import kafkajs from 'kafkajs';

const compress = promisify(zstdCompress);
const decompress = promisify(zstdDecompress);

/** The lowest level: on rows of JSON the next ones cost twice the time for a tenth less. */
const options = { params: { [constants.ZSTD_c_compressionLevel]: 1 } };

/** What takes about a millisecond at most is done on the spot: a thread of the pool costs more than it takes off this one. */
const onTheSpotBytes = 1024 * 1024;

export function compressZstd(bytes: Buffer): Buffer | Promise<Buffer> {
  return bytes.length <= onTheSpotBytes ? zstdCompressSync(bytes, options) : compress(bytes, options);
}

/** Teaches kafkajs, which only has gzip, to compress and read zstd with what Node brings. */
export function registerZstd(): void {
  kafkajs.CompressionCodecs[kafkajs.CompressionTypes.ZSTD] = () => ({
    compress: async ({ buffer }: { readonly buffer: Buffer }) => compressZstd(buffer),
    decompress: (buffer: Buffer) => decompress(buffer),
  });
}
