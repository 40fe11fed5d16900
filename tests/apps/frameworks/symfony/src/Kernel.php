<?php
/* SPDX-License-Identifier: MIT */

namespace App;

use Symfony\Bundle\FrameworkBundle\FrameworkBundle;
use Symfony\Bundle\FrameworkBundle\Kernel\MicroKernelTrait;
use Symfony\Component\DependencyInjection\Loader\Configurator\ContainerConfigurator;
use Symfony\Component\HttpKernel\Kernel as BaseKernel;
use Symfony\Component\Routing\Loader\Configurator\RoutingConfigurator;

final class Kernel extends BaseKernel
{
    use MicroKernelTrait;

    public function registerBundles(): iterable
    {
        yield new FrameworkBundle();
    }

    public function getProjectDir(): string
    {
        return dirname(__DIR__);
    }

    public function getCacheDir(): string
    {
        return \Boot::$folder . '/cache/' . $this->environment;
    }

    public function getLogDir(): string
    {
        return \Boot::$folder . '/log';
    }

    private function configureContainer(ContainerConfigurator $container): void
    {
        $container->extension('framework', [
            'secret' => 'of the tests',
            'http_method_override' => true,
            'session' => [
                'storage_factory_id' => 'session.storage.factory.native',
                'handler_id' => null,
                'save_path' => \Boot::$folder . '/sessions',
                'cookie_samesite' => 'lax',
            ],
            'validation' => ['enabled' => true, 'enable_annotations' => false],
            'property_access' => ['enabled' => true],
            'router' => ['utf8' => true],
            'php_errors' => ['log' => true],
        ]);
        $services = $container->services()->defaults()->autowire()->autoconfigure();
        $services->set(Controller::class)->public()->tag('controller.service_arguments');
        $services->set(Listener::class);
    }

    private function configureRoutes(RoutingConfigurator $routes): void
    {
        $table = [
            'hello' => ['GET', '/hello/{name}'], 'write' => ['POST', '/hello/{name}'], 'register' => ['POST', '/register'],
            'upload' => ['POST', '/upload'], 'login' => ['POST', '/login'], 'visits' => ['GET', '/visits'], 'stream' => ['GET', '/stream'],
            'fail' => ['GET', '/throw'], 'late' => ['GET', '/late'], 'early' => ['GET', '/early'], 'leave' => ['GET', '/exit'],
            'number' => ['GET', '/number/{number<\d+>}'],
        ];
        foreach ($table as $method => [$verb, $path]) {
            $routes->add($method, $path)->controller([Controller::class, $method])->methods([$verb]);
        }
    }
}
