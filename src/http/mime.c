/* Media types by extension, after the IANA registry and the WHATWG MIME Sniffing standard.  Pure; any
 * thread.
 *
 * SPDX-License-Identifier: MIT */
#include "mime.h"

#include "base/macros.h"

struct mime_row {
    struct psv_bytes extension; /* lower case */
    struct psv_bytes type;
};

/* Sorted by extension, for the binary search.  Text comes with its charset, but for JSON, which has none
 * (RFC 8259 11). */
static const struct mime_row rows[] = {
    /* clang-format off */
    {PSV_BYTES_INIT("3g2"), PSV_BYTES_INIT("video/3gpp2")},
    {PSV_BYTES_INIT("3gp"), PSV_BYTES_INIT("video/3gpp")},
    {PSV_BYTES_INIT("7z"), PSV_BYTES_INIT("application/x-7z-compressed")},
    {PSV_BYTES_INIT("aac"), PSV_BYTES_INIT("audio/aac")},
    {PSV_BYTES_INIT("apk"), PSV_BYTES_INIT("application/vnd.android.package-archive")},
    {PSV_BYTES_INIT("apng"), PSV_BYTES_INIT("image/apng")},
    {PSV_BYTES_INIT("appcache"), PSV_BYTES_INIT("text/cache-manifest; charset=utf-8")},
    {PSV_BYTES_INIT("asc"), PSV_BYTES_INIT("text/plain; charset=utf-8")},
    {PSV_BYTES_INIT("atom"), PSV_BYTES_INIT("application/atom+xml; charset=utf-8")},
    {PSV_BYTES_INIT("avi"), PSV_BYTES_INIT("video/x-msvideo")},
    {PSV_BYTES_INIT("avif"), PSV_BYTES_INIT("image/avif")},
    {PSV_BYTES_INIT("bin"), PSV_BYTES_INIT("application/octet-stream")},
    {PSV_BYTES_INIT("bmp"), PSV_BYTES_INIT("image/bmp")},
    {PSV_BYTES_INIT("br"), PSV_BYTES_INIT("application/octet-stream")},
    {PSV_BYTES_INIT("bz2"), PSV_BYTES_INIT("application/x-bzip2")},
    {PSV_BYTES_INIT("cjs"), PSV_BYTES_INIT("text/javascript; charset=utf-8")},
    {PSV_BYTES_INIT("conf"), PSV_BYTES_INIT("text/plain; charset=utf-8")},
    {PSV_BYTES_INIT("crt"), PSV_BYTES_INIT("application/x-x509-ca-cert")},
    {PSV_BYTES_INIT("crx"), PSV_BYTES_INIT("application/x-chrome-extension")},
    {PSV_BYTES_INIT("css"), PSV_BYTES_INIT("text/css; charset=utf-8")},
    {PSV_BYTES_INIT("csv"), PSV_BYTES_INIT("text/csv; charset=utf-8")},
    {PSV_BYTES_INIT("cur"), PSV_BYTES_INIT("image/x-icon")},
    {PSV_BYTES_INIT("deb"), PSV_BYTES_INIT("application/vnd.debian.binary-package")},
    {PSV_BYTES_INIT("der"), PSV_BYTES_INIT("application/x-x509-ca-cert")},
    {PSV_BYTES_INIT("diff"), PSV_BYTES_INIT("text/x-diff; charset=utf-8")},
    {PSV_BYTES_INIT("dmg"), PSV_BYTES_INIT("application/x-apple-diskimage")},
    {PSV_BYTES_INIT("doc"), PSV_BYTES_INIT("application/msword")},
    {PSV_BYTES_INIT("docx"),
     PSV_BYTES_INIT("application/vnd.openxmlformats-officedocument.wordprocessingml.document")},
    {PSV_BYTES_INIT("dtd"), PSV_BYTES_INIT("application/xml-dtd; charset=utf-8")},
    {PSV_BYTES_INIT("eot"), PSV_BYTES_INIT("application/vnd.ms-fontobject")},
    {PSV_BYTES_INIT("eps"), PSV_BYTES_INIT("application/postscript")},
    {PSV_BYTES_INIT("epub"), PSV_BYTES_INIT("application/epub+zip")},
    {PSV_BYTES_INIT("exe"), PSV_BYTES_INIT("application/octet-stream")},
    {PSV_BYTES_INIT("flac"), PSV_BYTES_INIT("audio/flac")},
    {PSV_BYTES_INIT("flv"), PSV_BYTES_INIT("video/x-flv")},
    {PSV_BYTES_INIT("geojson"), PSV_BYTES_INIT("application/geo+json")},
    {PSV_BYTES_INIT("gif"), PSV_BYTES_INIT("image/gif")},
    {PSV_BYTES_INIT("glb"), PSV_BYTES_INIT("model/gltf-binary")},
    {PSV_BYTES_INIT("gltf"), PSV_BYTES_INIT("model/gltf+json")},
    {PSV_BYTES_INIT("gpx"), PSV_BYTES_INIT("application/gpx+xml; charset=utf-8")},
    {PSV_BYTES_INIT("gz"), PSV_BYTES_INIT("application/gzip")},
    {PSV_BYTES_INIT("heic"), PSV_BYTES_INIT("image/heic")},
    {PSV_BYTES_INIT("heif"), PSV_BYTES_INIT("image/heif")},
    {PSV_BYTES_INIT("htc"), PSV_BYTES_INIT("text/x-component; charset=utf-8")},
    {PSV_BYTES_INIT("htm"), PSV_BYTES_INIT("text/html; charset=utf-8")},
    {PSV_BYTES_INIT("html"), PSV_BYTES_INIT("text/html; charset=utf-8")},
    {PSV_BYTES_INIT("ico"), PSV_BYTES_INIT("image/x-icon")},
    {PSV_BYTES_INIT("ics"), PSV_BYTES_INIT("text/calendar; charset=utf-8")},
    {PSV_BYTES_INIT("img"), PSV_BYTES_INIT("application/octet-stream")},
    {PSV_BYTES_INIT("ini"), PSV_BYTES_INIT("text/plain; charset=utf-8")},
    {PSV_BYTES_INIT("iso"), PSV_BYTES_INIT("application/octet-stream")},
    {PSV_BYTES_INIT("jar"), PSV_BYTES_INIT("application/java-archive")},
    {PSV_BYTES_INIT("jfif"), PSV_BYTES_INIT("image/jpeg")},
    {PSV_BYTES_INIT("jpe"), PSV_BYTES_INIT("image/jpeg")},
    {PSV_BYTES_INIT("jpeg"), PSV_BYTES_INIT("image/jpeg")},
    {PSV_BYTES_INIT("jpg"), PSV_BYTES_INIT("image/jpeg")},
    {PSV_BYTES_INIT("js"), PSV_BYTES_INIT("text/javascript; charset=utf-8")},
    {PSV_BYTES_INIT("json"), PSV_BYTES_INIT("application/json")},
    {PSV_BYTES_INIT("json5"), PSV_BYTES_INIT("application/json5")},
    {PSV_BYTES_INIT("jsonld"), PSV_BYTES_INIT("application/ld+json")},
    {PSV_BYTES_INIT("jxl"), PSV_BYTES_INIT("image/jxl")},
    {PSV_BYTES_INIT("kml"), PSV_BYTES_INIT("application/vnd.google-earth.kml+xml; charset=utf-8")},
    {PSV_BYTES_INIT("kmz"), PSV_BYTES_INIT("application/vnd.google-earth.kmz")},
    {PSV_BYTES_INIT("log"), PSV_BYTES_INIT("text/plain; charset=utf-8")},
    {PSV_BYTES_INIT("m3u8"), PSV_BYTES_INIT("application/vnd.apple.mpegurl")},
    {PSV_BYTES_INIT("m4a"), PSV_BYTES_INIT("audio/mp4")},
    {PSV_BYTES_INIT("m4s"), PSV_BYTES_INIT("video/iso.segment")},
    {PSV_BYTES_INIT("m4v"), PSV_BYTES_INIT("video/mp4")},
    {PSV_BYTES_INIT("manifest"), PSV_BYTES_INIT("text/cache-manifest; charset=utf-8")},
    {PSV_BYTES_INIT("map"), PSV_BYTES_INIT("application/json")},
    {PSV_BYTES_INIT("markdown"), PSV_BYTES_INIT("text/markdown; charset=utf-8")},
    {PSV_BYTES_INIT("md"), PSV_BYTES_INIT("text/markdown; charset=utf-8")},
    {PSV_BYTES_INIT("mid"), PSV_BYTES_INIT("audio/midi")},
    {PSV_BYTES_INIT("midi"), PSV_BYTES_INIT("audio/midi")},
    {PSV_BYTES_INIT("mjs"), PSV_BYTES_INIT("text/javascript; charset=utf-8")},
    {PSV_BYTES_INIT("mka"), PSV_BYTES_INIT("audio/matroska")},
    {PSV_BYTES_INIT("mkv"), PSV_BYTES_INIT("video/matroska")},
    {PSV_BYTES_INIT("mov"), PSV_BYTES_INIT("video/quicktime")},
    {PSV_BYTES_INIT("mp3"), PSV_BYTES_INIT("audio/mpeg")},
    {PSV_BYTES_INIT("mp4"), PSV_BYTES_INIT("video/mp4")},
    {PSV_BYTES_INIT("mpd"), PSV_BYTES_INIT("application/dash+xml")},
    {PSV_BYTES_INIT("mpeg"), PSV_BYTES_INIT("video/mpeg")},
    {PSV_BYTES_INIT("mpg"), PSV_BYTES_INIT("video/mpeg")},
    {PSV_BYTES_INIT("msi"), PSV_BYTES_INIT("application/octet-stream")},
    {PSV_BYTES_INIT("ndjson"), PSV_BYTES_INIT("application/x-ndjson")},
    {PSV_BYTES_INIT("obj"), PSV_BYTES_INIT("model/obj")},
    {PSV_BYTES_INIT("odp"), PSV_BYTES_INIT("application/vnd.oasis.opendocument.presentation")},
    {PSV_BYTES_INIT("ods"), PSV_BYTES_INIT("application/vnd.oasis.opendocument.spreadsheet")},
    {PSV_BYTES_INIT("odt"), PSV_BYTES_INIT("application/vnd.oasis.opendocument.text")},
    {PSV_BYTES_INIT("oga"), PSV_BYTES_INIT("audio/ogg")},
    {PSV_BYTES_INIT("ogg"), PSV_BYTES_INIT("audio/ogg")},
    {PSV_BYTES_INIT("ogv"), PSV_BYTES_INIT("video/ogg")},
    {PSV_BYTES_INIT("opus"), PSV_BYTES_INIT("audio/ogg")},
    {PSV_BYTES_INIT("otf"), PSV_BYTES_INIT("font/otf")},
    {PSV_BYTES_INIT("patch"), PSV_BYTES_INIT("text/x-diff; charset=utf-8")},
    {PSV_BYTES_INIT("pdf"), PSV_BYTES_INIT("application/pdf")},
    {PSV_BYTES_INIT("pem"), PSV_BYTES_INIT("application/x-pem-file")},
    {PSV_BYTES_INIT("pgp"), PSV_BYTES_INIT("application/pgp-encrypted")},
    {PSV_BYTES_INIT("png"), PSV_BYTES_INIT("image/png")},
    {PSV_BYTES_INIT("ppt"), PSV_BYTES_INIT("application/vnd.ms-powerpoint")},
    {PSV_BYTES_INIT("pptx"),
     PSV_BYTES_INIT("application/vnd.openxmlformats-officedocument.presentationml.presentation")},
    {PSV_BYTES_INIT("ps"), PSV_BYTES_INIT("application/postscript")},
    {PSV_BYTES_INIT("rar"), PSV_BYTES_INIT("application/vnd.rar")},
    {PSV_BYTES_INIT("rdf"), PSV_BYTES_INIT("application/rdf+xml; charset=utf-8")},
    {PSV_BYTES_INIT("rpm"), PSV_BYTES_INIT("application/x-rpm")},
    {PSV_BYTES_INIT("rss"), PSV_BYTES_INIT("application/rss+xml; charset=utf-8")},
    {PSV_BYTES_INIT("rtf"), PSV_BYTES_INIT("application/rtf")},
    {PSV_BYTES_INIT("sig"), PSV_BYTES_INIT("application/pgp-signature")},
    {PSV_BYTES_INIT("sql"), PSV_BYTES_INIT("application/sql")},
    {PSV_BYTES_INIT("srt"), PSV_BYTES_INIT("application/x-subrip; charset=utf-8")},
    {PSV_BYTES_INIT("stl"), PSV_BYTES_INIT("model/stl")},
    {PSV_BYTES_INIT("svg"), PSV_BYTES_INIT("image/svg+xml; charset=utf-8")},
    {PSV_BYTES_INIT("svgz"), PSV_BYTES_INIT("image/svg+xml; charset=utf-8")},
    {PSV_BYTES_INIT("tar"), PSV_BYTES_INIT("application/x-tar")},
    {PSV_BYTES_INIT("tgz"), PSV_BYTES_INIT("application/gzip")},
    {PSV_BYTES_INIT("tif"), PSV_BYTES_INIT("image/tiff")},
    {PSV_BYTES_INIT("tiff"), PSV_BYTES_INIT("image/tiff")},
    {PSV_BYTES_INIT("toml"), PSV_BYTES_INIT("application/toml")},
    {PSV_BYTES_INIT("ts"), PSV_BYTES_INIT("video/mp2t")},
    {PSV_BYTES_INIT("tsv"), PSV_BYTES_INIT("text/tab-separated-values; charset=utf-8")},
    {PSV_BYTES_INIT("ttc"), PSV_BYTES_INIT("font/collection")},
    {PSV_BYTES_INIT("ttf"), PSV_BYTES_INIT("font/ttf")},
    {PSV_BYTES_INIT("txt"), PSV_BYTES_INIT("text/plain; charset=utf-8")},
    {PSV_BYTES_INIT("usdz"), PSV_BYTES_INIT("model/vnd.usdz+zip")},
    {PSV_BYTES_INIT("vcard"), PSV_BYTES_INIT("text/vcard; charset=utf-8")},
    {PSV_BYTES_INIT("vcf"), PSV_BYTES_INIT("text/vcard; charset=utf-8")},
    {PSV_BYTES_INIT("vtt"), PSV_BYTES_INIT("text/vtt; charset=utf-8")},
    {PSV_BYTES_INIT("wasm"), PSV_BYTES_INIT("application/wasm")},
    {PSV_BYTES_INIT("wav"), PSV_BYTES_INIT("audio/wav")},
    {PSV_BYTES_INIT("weba"), PSV_BYTES_INIT("audio/webm")},
    {PSV_BYTES_INIT("webm"), PSV_BYTES_INIT("video/webm")},
    {PSV_BYTES_INIT("webmanifest"), PSV_BYTES_INIT("application/manifest+json")},
    {PSV_BYTES_INIT("webp"), PSV_BYTES_INIT("image/webp")},
    {PSV_BYTES_INIT("wmv"), PSV_BYTES_INIT("video/x-ms-wmv")},
    {PSV_BYTES_INIT("woff"), PSV_BYTES_INIT("font/woff")},
    {PSV_BYTES_INIT("woff2"), PSV_BYTES_INIT("font/woff2")},
    {PSV_BYTES_INIT("xhtml"), PSV_BYTES_INIT("application/xhtml+xml; charset=utf-8")},
    {PSV_BYTES_INIT("xls"), PSV_BYTES_INIT("application/vnd.ms-excel")},
    {PSV_BYTES_INIT("xlsx"),
     PSV_BYTES_INIT("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet")},
    {PSV_BYTES_INIT("xml"), PSV_BYTES_INIT("text/xml; charset=utf-8")},
    {PSV_BYTES_INIT("xpi"), PSV_BYTES_INIT("application/x-xpinstall")},
    {PSV_BYTES_INIT("xsd"), PSV_BYTES_INIT("text/xml; charset=utf-8")},
    {PSV_BYTES_INIT("xsl"), PSV_BYTES_INIT("text/xml; charset=utf-8")},
    {PSV_BYTES_INIT("xslt"), PSV_BYTES_INIT("application/xslt+xml; charset=utf-8")},
    {PSV_BYTES_INIT("xz"), PSV_BYTES_INIT("application/x-xz")},
    {PSV_BYTES_INIT("yaml"), PSV_BYTES_INIT("application/yaml")},
    {PSV_BYTES_INIT("yml"), PSV_BYTES_INIT("application/yaml")},
    {PSV_BYTES_INIT("zip"), PSV_BYTES_INIT("application/zip")},
    {PSV_BYTES_INIT("zst"), PSV_BYTES_INIT("application/zstd")},
    /* clang-format on */
};

/* Order of strcmp on the lower-case text. */
static int compare(struct psv_bytes extension, struct psv_bytes row)
{
    size_t len = MIN(extension.len, row.len);

    for (size_t i = 0; i < len; i++) {
        int difference = (unsigned char)psv_ascii_lower(extension.data[i]) - (unsigned char)row.data[i];
        if (difference != 0) {
            return difference;
        }
    }
    return (extension.len > row.len) - (extension.len < row.len);
}

/* What follows the last dot of the last segment; empty for "name", "name." and a hidden ".name". */
static struct psv_bytes extension_of(struct psv_bytes path)
{
    size_t slash = psv_bytes_find_last(path, '/');
    struct psv_bytes name = slash < path.len ? psv_bytes_from(path, slash + 1) : path;
    size_t dot = psv_bytes_find_last(name, '.');

    return dot > 0 ? psv_bytes_from(name, dot + 1) : PSV_BYTES_EMPTY;
}

struct psv_bytes psv_mime_find(struct psv_bytes path)
{
    struct psv_bytes extension = extension_of(path);
    size_t low = 0;
    size_t high = ARRAY_SIZE(rows);

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int difference = compare(extension, rows[middle].extension);
        if (difference == 0) {
            return rows[middle].type;
        }
        if (difference < 0) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return PSV_BYTES("application/octet-stream");
}
