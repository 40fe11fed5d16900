<?php
// SPDX-License-Identifier: MIT
declare(strict_types=1);
namespace Training;

final class Articles
{
    public function __construct(private readonly Store $store, private int $limit = 30) {}

    public function index(Request $request): Response
    {
        $html = '';
        foreach ($this->store->each($this->limit) as $number => $article) {
            $html .= sprintf("<li data-n='%03d'><a href='/article/%d-%s'>%s</a> %.2f %s</li>\n", $number, $article->id, $article->slug(),
                htmlspecialchars($article['title']), $article->price, State::from($article['state'])->label());
        }
        return (new Response("<ul>$html</ul>"))->header('X-Count', (string) $this->limit);
    }

    public function show(Request $request, string $id, string $slug = ''): Response
    {
        $article = $this->store->find((int) $id) ?? throw new NotFound($request->path);
        $lines = [];
        foreach ($article as $name => $value) {
            $lines[] = $name . '=' . (is_array($value) ? implode('|', $value) : var_export($value, true));
        }
        if (!isset($article->missing) && $article->slug() !== $slug) {
            return (new Response('', 301))->header('Location', "/article/$id-" . $article->slug());
        }
        return new Response(implode("\n", $lines) . json_encode($article));
    }
}
