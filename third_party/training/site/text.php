<?php
// SPDX-License-Identifier: MIT
// Text: searching, replacing, splitting, regular expressions, multibyte, encodings, hashes.
$base = "The quick brown fox: jumps over 13 lazy dogs, at 08:15 on 2026-03-04. Straße, naïve café, 東京, \u{1F680}!\n";
$text = str_repeat($base, 20);
$sum = 0;
$seen = [];
foreach (preg_split('/[\s,.:!]+/u', $text, -1, PREG_SPLIT_NO_EMPTY) as $word) {
    $lower = mb_strtolower($word);
    $seen[$lower] = ($seen[$lower] ?? 0) + 1;
    $sum += strlen($word) + mb_strlen($word);
}
arsort($seen);
$out = [];
foreach ($seen as $word => $count) {
    $out[] = str_pad(ucfirst((string) $word), 12, '.', STR_PAD_BOTH) . sprintf('%05d|%-8s|%+.3e|%x|%b|%\'*10s|%5.1f%%', $count, $word, $count / 7, $count, $count, $word, $count / $sum * 100);
}
$lines = explode("\n", $text);
for ($i = 0; $i < 40; $i++) {
    $line = $lines[$i % 20];
    $position = strpos($line, 'fox') + strrpos($line, 'o') + (int) stripos($line, 'QUICK') + (int) mb_strpos($line, '京');
    $part = substr($line, 4, 11) . substr_replace($line, 'cat', $position % 20, 3) . mb_substr($line, -6, 4) . strrev(substr($line, 0, 9));
    $part = str_replace(['fox', 'dogs', 'lazy'], ['cat', 'mice', 'slow'], $part, $replaced) . ucwords(strtolower($part)) . wordwrap($part, 30, "\n", true);
    $part .= trim("  $part\t ") . ltrim($part, 'T') . rtrim($part, "!\n") . nl2br($part) . addslashes("it's") . stripslashes("it\\'s") . strip_tags("<b>$part</b><br>") . chunk_split('abcdef', 2);
    $part .= html_entity_decode(htmlentities($part, ENT_QUOTES, 'UTF-8'), ENT_QUOTES, 'UTF-8') . htmlspecialchars_decode('&lt;a&gt;') . rawurlencode($part) . urldecode('a%20b+c') . quotemeta('a.b*c');
    $sum += $replaced + substr_count($part, 'o') + similar_text('World', 'Word') + levenshtein('kitten', 'sitting') + strcmp($part, $line) % 2 + strncasecmp('ABC', 'abd', 2) + strnatcmp('img12', 'img10')
        + ord($part[3]) + (int) ctype_alpha('abc') + (int) ctype_digit('12a') + (int) str_contains($part, 'cat') + (int) str_ends_with($part, "\n") + count(str_split($part, 7)) + str_word_count($line);
    $out[] = md5($part) . sha1($part) . hash('sha256', $part) . hash('xxh3', $part) . crc32($part) . bin2hex(substr($part, 0, 8)) . base64_encode(substr($part, 0, 60)) . base64_decode('aGVsbG8gd29ybGQ=') . hash_hmac('sha256', $line, 'key');
    $out[] = preg_replace('/(\d{4})-(\d\d)-(\d\d)/', '$3.$2.$1', $line) . preg_replace_callback('/\b[a-z]{4}\b/', static fn($m) => strtoupper($m[0]), $line);
    if (preg_match('/(?<hour>\d{1,2}):(?<minute>\d\d)/', $line, $m) && preg_match_all('/\p{Lu}\w+/u', $line, $all) && !preg_match('~^(?:GET|POST)\s~', $line)) {
        $sum += (int) $m['hour'] * 60 + (int) $m['minute'] + count($all[0]);
    }
    $sum += count(preg_grep('/^[a-m]/', explode(' ', $line))) + strlen(preg_quote($line, '/'));
    $joined = '';
    for ($n = 0; $n < 30; $n++) {
        $joined .= "$n:{$i}," . chr(65 + $n % 26) . $n * 1.5;
    }
    $out[] = $joined . $joined[5] . mb_convert_case('élan vital', MB_CASE_TITLE) . mb_strtoupper('straße') . mb_convert_encoding('grün', 'ISO-8859-1', 'UTF-8') . mb_strimwidth($line, 0, 20, '…') . (mb_check_encoding($line, 'UTF-8') ? 1 : 0)
        . iconv('UTF-8', 'ASCII//TRANSLIT', 'cafe') . number_format($i * 12345.678) . number_format($i * 1.005, 3, ',', ' ') . strtr('Hi all', 'ai', 'eo') . vsprintf('%2$s-%1$04d', [$i, 'x']);
    sscanf("age: $i years", 'age: %d %s', $age, $unit);
    $sum += $age + count(str_getcsv("a,\"b \"\"q\"\", c\",$i", escape: ''));
}
echo $sum, "\n", implode("\n", $out), http_build_query(['a' => [1, 2, ['b' => 'c d']], 'e' => true]), uniqid() !== '' ? 'u' : '', "\n";
foreach (['12abc', '0x1A', ' 42 ', '1e3', 'abc', '', '9999999999999999999', '-7.25'] as $number) {
    echo is_numeric($number) ? $number + 0 : (int) $number, intdiv((int) $number, 7), fmod((float) $number, 3), ' ', (string) (float) $number, ' ', var_export((bool) $number, true), PHP_EOL;
}
