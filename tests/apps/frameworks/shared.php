<?php
/* What the tests ask every application: when it was booted and how often it was used, and a folder to meet the test in.
 * SPDX-License-Identifier: MIT */

final class Boot
{
    public static string $id;
    public static string $folder;
    private static float $begun;
    private static float $took;
    private static int $served = 0;

    /** TEST_... are the test's, in place of what a composer.json would say. */
    public static function begin(): void
    {
        self::$begun = hrtime(true);
        self::$folder = getenv('TEST_FOLDER');
        $libraries = getenv('TEST_LIBRARIES') ?: '/usr/share/php';
        set_include_path($libraries);
    }

    public static function end(): void
    {
        self::$id = bin2hex(random_bytes(6));
        self::$took = (hrtime(true) - self::$begun) / 1e6;
        file_put_contents(self::$folder . '/boots', self::$id . "\n", FILE_APPEND | LOCK_EX);
    }

    /** @return array<string, string> fields of a response; once for each request */
    public static function fields(): array
    {
        return [
            'X-Boot' => self::$id,
            'X-Boot-Ms' => sprintf('%.2f', self::$took),
            'X-Served' => (string) ++self::$served,
            'X-Memory' => (string) memory_get_usage(),
        ];
    }

    /** Until the test has made the file. */
    public static function wait(string $name): void
    {
        $file = self::$folder . '/' . basename($name);
        for ($i = 0; $i < 4000 && !file_exists($file); $i++) {
            usleep(5000);
            clearstatcache(true, $file);
        }
    }

    public static function note(string $name, string $text): void
    {
        file_put_contents(self::$folder . '/' . basename($name), $text);
    }
}
