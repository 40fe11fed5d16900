<?php
/* SPDX-License-Identifier: MIT */

namespace App;

use Symfony\Component\HttpFoundation\Cookie;
use Symfony\Component\HttpFoundation\JsonResponse;
use Symfony\Component\HttpFoundation\RedirectResponse;
use Symfony\Component\HttpFoundation\Request;
use Symfony\Component\HttpFoundation\Response;
use Symfony\Component\HttpFoundation\StreamedResponse;
use Symfony\Component\Routing\Generator\UrlGeneratorInterface;
use Symfony\Component\Validator\Constraints as Assert;
use Symfony\Component\Validator\Validator\ValidatorInterface;

final class Controller
{
    public function __construct(private ValidatorInterface $validator, private UrlGeneratorInterface $urls)
    {
    }

    public function hello(Request $request, string $name): Response
    {
        $response = new JsonResponse([
            'name' => $name,
            'token' => $request->query->get('token'),
            'cookie' => $request->cookies->get('who'),
            'field' => $request->headers->get('X-Token'),
            'text' => $request->request->get('text'),
        ]);
        $response->headers->setCookie(Cookie::create('seen', $name));
        return $response;
    }

    public function write(Request $request, string $name): Response
    {
        return $this->hello($request, $name);
    }

    public function number(int $number): Response
    {
        return new Response((string) ($number + 1), 200, ['Content-Type' => 'text/plain']);
    }

    public function register(Request $request): Response
    {
        $errors = [];
        $rules = new Assert\Collection([
            'name' => [new Assert\NotBlank(), new Assert\Length(['min' => 3])],
            'email' => new Assert\Email(),
            'age' => new Assert\Range(['min' => 18]),
        ]);
        foreach ($this->validator->validate($request->request->all(), $rules) as $violation) {
            $errors[trim($violation->getPropertyPath(), '[]')] = $violation->getMessage();
        }
        return $errors ? new JsonResponse(['errors' => $errors], 422) : new JsonResponse($request->request->all(), 201);
    }

    public function upload(Request $request): Response
    {
        $file = $request->files->get('file');
        $kept = $file->move(\Boot::$folder . '/uploads', bin2hex(random_bytes(8)));
        return new JsonResponse([
            'name' => $file->getClientOriginalName(),
            'bytes' => $kept->getSize(),
            'sha256' => hash_file('sha256', $kept->getPathname()),
            'note' => $request->request->get('note'),
        ]);
    }

    public function login(Request $request): Response
    {
        $request->getSession()->migrate(true);
        $request->getSession()->set('user', $request->request->get('user'));
        return new RedirectResponse($this->urls->generate('visits'));
    }

    public function visits(Request $request): Response
    {
        $session = $request->getSession();
        $session->set('visits', $session->get('visits', 0) + 1);
        return new JsonResponse(['user' => $session->get('user'), 'visits' => $session->get('visits')]);
    }

    public function stream(Request $request): Response
    {
        $key = $request->query->get('key');
        return new StreamedResponse(function () use ($key) {
            echo "first $key\n";
            flush();
            \Boot::wait("gate-$key");
            echo "last $key\n";
        }, 200, ['Content-Type' => 'text/plain']);
    }

    public function fail(Request $request): Response
    {
        throw new \DomainException('secret of ' . $request->query->get('token'));
    }

    public function late(Request $request): Response
    {
        $request->attributes->set('late', $request->query->get('key'));
        return new Response('early answer');
    }

    public function early(): Response
    {
        header('Link: </style.css>; rel=preload; as=style');
        headers_send(103);
        header_remove('Link');
        return new Response('page');
    }

    public function leave(): Response
    {
        echo 'gone';
        exit;
    }
}
