<?php
// SPDX-License-Identifier: MIT
// The older style: global functions and arrays, hooks by name, options that are serialized, text that many filters pass.
$GLOBALS['hooks'] = [];
$GLOBALS['cache'] = [];

function hook_add($name, $callback, $priority = 10)
{
    global $hooks;
    $hooks[$name][$priority][] = $callback;
}

function hook_apply($name, $value, ...$rest)
{
    global $hooks;
    if (!isset($hooks[$name])) {
        return $value;
    }
    ksort($hooks[$name]);
    foreach ($hooks[$name] as $callbacks) {
        foreach ($callbacks as $callback) {
            $value = call_user_func_array($callback, array_merge([$value], $rest));
        }
    }
    return $value;
}

function option_get($name, $default = false)
{
    if (!isset($GLOBALS['cache']['options'])) {
        $stored = [];
        foreach (['title' => 'A site', 'size' => 20, 'widgets' => ['left' => ['search', 'tags'], 'right' => [1, 2, 3]], 'on' => true, 'rate' => 0.25] as $key => $value) {
            $stored[$key] = serialize($value);
        }
        $GLOBALS['cache']['options'] = $stored;
    }
    $raw = $GLOBALS['cache']['options'][$name] ?? null;
    return hook_apply("option_$name", $raw === null ? $default : unserialize($raw, ['allowed_classes' => false]));
}

function defaults($given, $defaults)
{
    if (is_string($given)) {
        parse_str($given, $given);
    }
    return array_merge($defaults, is_object($given) ? get_object_vars($given) : (array) $given);
}

class Text_Tools
{
    public $count = 0;
    public static $instance = null;

    public static function instance()
    {
        if (null === self::$instance) {
            self::$instance = new self();
        }
        return self::$instance;
    }

    public function paragraphs($text)
    {
        $this->count++;
        $text = str_replace(["\r\n", "\r"], "\n", $text);
        $parts = preg_split('/\n\s*\n/', $text, -1, PREG_SPLIT_NO_EMPTY);
        return implode("\n", array_map(function ($part) { return '<p>' . trim($part) . '</p>'; }, $parts));
    }

    public function shortcodes($text)
    {
        return preg_replace_callback('/\[(\w+)([^\]]*)\]/', [$this, 'shortcode'], $text);
    }

    public function shortcode($match)
    {
        $attributes = [];
        if (preg_match_all('/(\w+)\s*=\s*"([^"]*)"|(\w+)\s*=\s*(\S+)/', $match[2], $found, PREG_SET_ORDER)) {
            foreach ($found as $one) {
                if (!empty($one[1])) {
                    $attributes[strtolower($one[1])] = stripcslashes($one[2]);
                } else {
                    $attributes[strtolower($one[3])] = $one[4];
                }
            }
        }
        $attributes = defaults($attributes, ['id' => 0, 'class' => '']);
        return "<span id=\"{$attributes['id']}\" class=\"{$attributes['class']}\">$match[1]</span>";
    }
}

hook_add('text', [Text_Tools::instance(), 'shortcodes'], 5);
hook_add('text', [Text_Tools::instance(), 'paragraphs']);
hook_add('text', 'trim', 20);
hook_add('text', function ($text) { return strtr($text, ['--' => '&#8211;', '...' => '&#8230;', "'" => '&#8217;']); }, 7);
hook_add('text', function ($text, $id = 0) { return preg_replace('/\bphp\b/i', '<abbr>PHP</abbr>', $text, 3); }, 12);
hook_add('title', 'strip_tags');
hook_add('title', 'ucwords', 11);
hook_add('option_size', 'intval');
hook_add('option_size', 'abs', 11);

$out = '';
for ($id = 1; $id <= 12; $id++) {
    $post = (object) ['ID' => $id, 'title' => "post <em>$id</em> of many", 'text' => "It's about php -- and [gallery id=\"$id\" class='x' size=large] more...\n\nSecond paragraph $id, see [link id=$id].\r\n\r\nThird.",
        'meta' => ['views' => [$id * 3], 'likes' => [$id]]];
    $settings = defaults("size=$id&order=desc", ['size' => option_get('size', 10), 'order' => 'asc', 'page' => 1]);
    $classes = ['post', "post-$id", $id % 2 ? 'odd' : '', !empty($post->meta['views'][0]) ? 'viewed' : ''];
    $out .= '<article class="' . implode(' ', array_unique(array_filter($classes))) . '"><h2>' . hook_apply('title', $post->title) . "</h2>\n" . hook_apply('text', $post->text, $post->ID) . "\n";
    $out .= sprintf('<time datetime="%s">%s</time>', date('c', 1700000000 + $id * 86400), date('F j, Y', 1700000000 + $id * 86400));
    foreach ((array) option_get('widgets', []) as $side => $widgets) {
        foreach ($widgets as $key => $widget) {
            $out .= "<!-- $side/$key/$widget -->";
        }
    }
    $out .= option_get('none', 'x') . (in_array('odd', $classes, true) ? 1 : 0) . "</article>\n";
    wordish($out, $settings);
}

function wordish(&$text, array $settings): void
{
    static $calls = 0;
    $calls++;
    if (strpos($text, 'never there') !== false || stripos($settings['order'], 'DESC') === false) {
        $text .= 'x';
    }
    $host = parse_url('https://www.example.org:8443/a/b?c=d#e');
    $text .= '<link href="' . htmlentities($host['scheme'] . '://' . $host['host'] . $host['path'] . '?' . http_build_query(['n' => $calls, 'a' => [1, 2]])) . "\">\n";
}

header('Content-Type: text/html; charset=UTF-8');
header('Link: </api>; rel="https://api.example.org/"');
echo $out;
